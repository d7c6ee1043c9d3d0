package main

import (
	"encoding/json"
	"flag"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// probesPerSecond: a pause is seen to about the gap between two probes.
	probesPerSecond = 500
	// probeConnections: as many probes wait during a pause of half a second.
	probeConnections = 256
	// afterReply is how long the probes go on, since the last of them may answer after the reply.
	afterReply = 50 * time.Millisecond
)

// pauses is the one line that the command prints, with a value for each request in its order.
type pauses struct {
	// PausesMs is the longest wait for a health page while the request was under way, from the time it was due.
	PausesMs []float64 `json:"pauses_ms"`
	// RequestsMs is how long the requests themselves took.
	RequestsMs []float64 `json:"requests_ms"`
	// QuietMs is the longest wait with nothing else under way, for as long as the requests took on average.
	QuietMs    float64 `json:"quiet_ms"`
	Errors     int64   `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
}

// pauseCommand sends large requests one after the other and measures from outside for how long the target's loop does
// nothing else: it asks for the health page at a fixed rate, whatever the target does.
func pauseCommand(arguments []string) error {
	wanted := plan{kind: "history", rate: probesPerSecond, connections: probeConnections}
	var count int
	flags := flag.NewFlagSet("pause", flag.ExitOnError)
	flags.StringVar(&wanted.address, "address", "", "HOST:PORT of the target")
	flags.StringVar(&wanted.dialect, "dialect", "chat", "the client's dialect: chat or messages")
	flags.StringVar(&wanted.model, "model", "bench-model", "model to ask for")
	flags.IntVar(&wanted.bodySize, "body-bytes", 5<<20, "size of a request")
	flags.IntVar(&count, "requests", 10, "requests, one after the other")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if err := raiseOpenFiles(); err != nil {
		return err
	}
	request, err := newTask(wanted)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(time.Duration(count)*10*time.Second + time.Minute)
	probes := &record{}
	var clients sync.WaitGroup
	startSchedule(wanted, healthTask(wanted.address), probes, &clients, deadline)
	time.Sleep(600 * time.Millisecond) // until each connection was used
	found := pauses{}
	own := &client{address: wanted.address, deadline: deadline}
	defer own.hangUp()
	var total time.Duration
	for sent := 0; sent < count; sent++ {
		probes.startMeasuring()
		began := time.Now()
		err := own.send(request.request)
		if err == nil {
			err = own.receive(request, func(int) {})
		}
		took := time.Since(began)
		time.Sleep(afterReply)
		found.PausesMs = append(found.PausesMs, probes.longestMs())
		found.RequestsMs = append(found.RequestsMs, float64(took)/float64(time.Millisecond))
		total += took
		if err != nil {
			probes.fail(err)
			own.hangUp()
		}
	}
	probes.startMeasuring()
	time.Sleep(total / time.Duration(count))
	found.QuietMs = probes.longestMs()
	atomic.StoreInt32(&probes.stopping, 1)
	clients.Wait()
	found.Errors = atomic.LoadInt64(&probes.errors)
	if probes.firstError != nil {
		found.FirstError = probes.firstError.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func (r *record) startMeasuring() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.samples = nil
	atomic.StoreInt32(&r.measuring, 1)
}

// longestMs ends the measured part.
func (r *record) longestMs() float64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	atomic.StoreInt32(&r.measuring, 0)
	return r.percentile(1) / 1000
}
