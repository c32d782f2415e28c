// What the Go peers share: the order they are given, the lines they answer, and what is measured meanwhile. Each line on
// standard input is a number of operations; each answer is one line of JSON.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type parameters struct {
	InFlight int    `json:"inFlight"`
	Devices  int    `json:"devices"`
	Bytes    int    `json:"bytes"`
	Method   string `json:"method"`
	Body     string `json:"body"`
	Variant  string `json:"variant"`
	// Of the SQLite peer.
	Operation string `json:"operation"`
	Profiles  int    `json:"profiles"`
}

type order struct {
	Parameters parameters `json:"parameters"`
	Port       int        `json:"port"`
	File       string     `json:"file"`
	Memory     bool       `json:"memory"`
}

type sample struct {
	Ops       int   `json:"ops"`
	WallNs    int64 `json:"wallNs"`
	CPUUs     int64 `json:"cpuUs"`
	HeapBytes int64 `json:"heapBytes"`
	RSSPeak   int64 `json:"rssPeak"`
	RSSHeld   int64 `json:"rssHeld"`
	Retained  int64 `json:"retained"`
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// inFlight keeps as many operations running as the order says, until all have ended.
func inFlight(o order, ops int, do func(worker, index int)) {
	var next int64 = -1
	var workers sync.WaitGroup
	for i := 0; i < o.Parameters.InFlight; i++ {
		workers.Add(1)
		go func(worker int) {
			defer workers.Done()
			for {
				index := int(atomic.AddInt64(&next, 1))
				if index >= ops {
					return
				}
				do(worker, index)
			}
		}(i)
	}
	workers.Wait()
}

func cpu() int64 {
	var usage syscall.Rusage
	fail(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Sec*1e6 + int64(usage.Utime.Usec) + usage.Stime.Sec*1e6 + int64(usage.Stime.Usec)
}

func rss() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

func measure(o order, run func(ops int), ops int) sample {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rssBefore, peak := rss(), int64(0)
	stop := make(chan struct{})
	var watching sync.WaitGroup
	if o.Memory {
		watching.Add(1)
		go func() {
			defer watching.Done()
			for tick := time.NewTicker(2 * time.Millisecond); ; {
				select {
				case <-stop:
					tick.Stop()
					return
				case <-tick.C:
					if now := rss() - rssBefore; now > peak {
						peak = now
					}
				}
			}
		}()
	}
	cpuBefore, start := cpu(), time.Now()
	run(ops)
	wall, used := time.Since(start).Nanoseconds(), cpu()-cpuBefore
	close(stop)
	watching.Wait()
	runtime.ReadMemStats(&after)
	runtime.GC()
	return sample{ops, wall, used, int64(after.TotalAlloc - before.TotalAlloc), peak, rss() - rssBefore, 0}
}

func readOrder() order {
	var o order
	fail(json.Unmarshal([]byte(os.Args[1]), &o))
	return o
}

func serve(o order, run func(ops int)) {
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		ops, err := strconv.Atoi(lines.Text())
		fail(err)
		text, err := json.Marshal(measure(o, run, ops))
		fail(err)
		fmt.Println(string(text))
	}
}
