// The Go peer: net/http as its documentation shows it, driven by the same lines as the Node peers. Each line on
// standard input is a number of operations; each answer is one line of JSON.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

// plainReader hides a file's other methods, so that io.Copy copies instead of calling sendfile.
type plainReader struct{ io.Reader }

type peer struct {
	order
	client http.Client
	urls   []string
	bytes  []byte
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newPeer(o order) *peer {
	p := &peer{order: o, bytes: make([]byte, o.Parameters.Bytes)}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = 4
	p.client.Transport = transport
	path := "/update"
	if o.Parameters.Method == "GET" {
		path = "/version"
	}
	for i := 1; i <= o.Parameters.Devices; i++ {
		p.urls = append(p.urls, fmt.Sprintf("http://127.%d.%d.%d:%d%s", i>>16&255, i>>8&255, i&255, o.Port, path))
	}
	return p
}

func (p *peer) body() io.ReadCloser {
	if p.Parameters.Body == "" || p.Parameters.Body == "memory" {
		return io.NopCloser(bytes.NewReader(p.bytes))
	}
	file, err := os.Open(p.File)
	fail(err)
	if p.Parameters.Variant == "sendfile" {
		return file
	}
	return struct {
		io.Reader
		io.Closer
	}{plainReader{file}, file}
}

func (p *peer) push(url string) {
	request, err := http.NewRequest("POST", url, nil)
	fail(err)
	request.Body = p.body()
	request.ContentLength = int64(p.Parameters.Bytes)
	request.Header.Set("Content-Type", "application/octet-stream")
	request.Header.Set("X-Device-Id", "device-000001")
	request.Header.Set("Repr-Digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:")
	answer, err := p.client.Do(request)
	fail(err)
	_, err = io.Copy(io.Discard, answer.Body)
	fail(err)
	answer.Body.Close()
	if answer.StatusCode != 200 {
		fail(fmt.Errorf("status %d", answer.StatusCode))
	}
}

func (p *peer) inspect(url string) {
	answer, err := p.client.Get(url)
	fail(err)
	var state struct {
		Version string `json:"version"`
	}
	text, err := io.ReadAll(answer.Body)
	fail(err)
	fail(json.Unmarshal(text, &state))
	answer.Body.Close()
	if state.Version != "2.4.0" {
		fail(fmt.Errorf("wrong version"))
	}
}

func (p *peer) run(ops int) {
	var next int64 = -1
	var workers sync.WaitGroup
	for i := 0; i < p.Parameters.InFlight; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for {
				index := int(atomic.AddInt64(&next, 1))
				if index >= ops {
					return
				}
				url := p.urls[index%len(p.urls)]
				if p.Parameters.Method == "GET" {
					p.inspect(url)
				} else {
					p.push(url)
				}
			}
		}()
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

func (p *peer) measure(ops int) sample {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rssBefore, peak := rss(), int64(0)
	stop := make(chan struct{})
	var watching sync.WaitGroup
	if p.Memory {
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
	p.run(ops)
	wall, used := time.Since(start).Nanoseconds(), cpu()-cpuBefore
	close(stop)
	watching.Wait()
	runtime.ReadMemStats(&after)
	runtime.GC()
	return sample{ops, wall, used, int64(after.TotalAlloc - before.TotalAlloc), peak, rss() - rssBefore, 0}
}

func main() {
	var o order
	fail(json.Unmarshal([]byte(os.Args[1]), &o))
	p := newPeer(o)
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		ops, err := strconv.Atoi(lines.Text())
		fail(err)
		text, err := json.Marshal(p.measure(ops))
		fail(err)
		fmt.Println(string(text))
	}
}
