// The Go peer: net/http as its documentation shows it, driven by the same lines as the Node peers.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

// plainReader hides a file's other methods, so that io.Copy copies instead of calling sendfile.
type plainReader struct{ io.Reader }

type peer struct {
	order
	client http.Client
	urls   []string
	bytes  []byte
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
	inFlight(p.order, ops, func(_, index int) {
		url := p.urls[index%len(p.urls)]
		if p.Parameters.Method == "GET" {
			p.inspect(url)
		} else {
			p.push(url)
		}
	})
}

func main() {
	o := readOrder()
	p := newPeer(o)
	serve(o, p.run)
}
