package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// plan is what one run does; see the flags for the units.
type plan struct {
	address     string
	kind        string
	dialect     string
	model       string
	connections int
	rate        float64
	requests    int64
	warm        time.Duration
	measured    time.Duration
	events      int
	intervalMs  int
	bodySize    int
	watch       int
}

// result is the one line that a run prints. Times are microseconds unless the name says otherwise.
type result struct {
	Requests   int64   `json:"requests"`
	Errors     int64   `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
	Events     int64   `json:"events"`
	Seconds    float64 `json:"seconds"`
	P50Us      float64 `json:"p50_us"`
	P99Us      float64 `json:"p99_us"`
	CPUUs      int64   `json:"cpu_us"`
	// ThreadsUs is the time that the process's own threads ran, by name.
	ThreadsUs  map[string]int64 `json:"threads_us,omitempty"`
	RSSStartKb int64            `json:"rss_start_kb"`
	RSSEndKb   int64            `json:"rss_end_kb"`
	OpenAtEnd  int64            `json:"open_at_end"`
}

// record gathers what the connections see. Counters run all the time; the measured interval is a difference.
type record struct {
	requests, events, errors, open int64

	measuring  int32
	stopping   int32
	mutex      sync.Mutex
	firstError error
	samples    []time.Duration
}

func runCommand(arguments []string) error {
	var wanted plan
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	flags.StringVar(&wanted.address, "address", "", "HOST:PORT of the target")
	flags.StringVar(&wanted.kind, "kind", "json", "json, burst, ticks, body or history")
	flags.StringVar(&wanted.dialect, "dialect", "chat", "the client's dialect: chat or messages")
	flags.StringVar(&wanted.model, "model", "", "model to ask for; the script is then in a message, and tokens are counted instead of events")
	flags.IntVar(&wanted.connections, "connections", 64, "connections; with ticks: streams")
	flags.Float64Var(&wanted.rate, "rate", 0, "requests a second from a fixed schedule; 0: each connection as fast as it can")
	flags.Int64Var(&wanted.requests, "requests", 0, "stop the measured part after so many requests")
	flags.DurationVar(&wanted.warm, "warm", time.Second, "before measuring")
	flags.DurationVar(&wanted.measured, "measured", 5*time.Second, "measured part, or its bound with -requests")
	flags.IntVar(&wanted.events, "events", 100, "events of a stream")
	flags.IntVar(&wanted.intervalMs, "interval-ms", 50, "between two events of ticks")
	flags.IntVar(&wanted.bodySize, "body-bytes", 5<<20, "request size of kinds body and history")
	flags.IntVar(&wanted.watch, "watch", 0, "process whose CPU and memory are read at both ends of the measured part")
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
	found, err := run(wanted, request)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func raiseOpenFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

func run(wanted plan, request task) (result, error) {
	seen := &record{}
	var clients sync.WaitGroup
	deadline := time.Now().Add(wanted.warm + wanted.measured + time.Minute)
	switch {
	case wanted.kind == "ticks":
		startStreams(wanted, request, seen, &clients, deadline)
	case wanted.rate > 0:
		startSchedule(wanted, request, seen, &clients, deadline)
	default:
		startClosed(wanted, request, seen, &clients, deadline)
	}
	time.Sleep(wanted.warm)
	before, err := watch(wanted.watch)
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	requests, events := atomic.LoadInt64(&seen.requests), atomic.LoadInt64(&seen.events)
	atomic.StoreInt32(&seen.measuring, 1)
	for time.Since(began) < wanted.measured {
		if wanted.requests > 0 && atomic.LoadInt64(&seen.requests)-requests >= wanted.requests {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	atomic.StoreInt32(&seen.measuring, 0)
	found := result{
		Seconds:   time.Since(began).Seconds(),
		Requests:  atomic.LoadInt64(&seen.requests) - requests,
		Events:    atomic.LoadInt64(&seen.events) - events,
		OpenAtEnd: atomic.LoadInt64(&seen.open),
	}
	after, err := watch(wanted.watch)
	if err != nil {
		return result{}, err
	}
	atomic.StoreInt32(&seen.stopping, 1)
	clients.Wait()
	found.CPUUs = after.cpuUs - before.cpuUs
	found.ThreadsUs = threadsSince(before.threads, after.threads)
	found.RSSStartKb, found.RSSEndKb = before.rssKb, after.rssKb
	found.Errors = atomic.LoadInt64(&seen.errors)
	if seen.firstError != nil {
		found.FirstError = seen.firstError.Error()
	}
	found.P50Us, found.P99Us = seen.percentile(0.5), seen.percentile(0.99)
	return found, nil
}

func watch(pid int) (processUsage, error) {
	if pid == 0 {
		return processUsage{}, nil
	}
	return readUsage(pid)
}

func (r *record) fail(err error) {
	atomic.AddInt64(&r.errors, 1)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.firstError == nil {
		r.firstError = err
	}
}

func (r *record) succeed(latency time.Duration) {
	atomic.AddInt64(&r.requests, 1)
	if atomic.LoadInt32(&r.measuring) == 0 {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.samples = append(r.samples, latency)
}

func (r *record) addEvents(count int) {
	atomic.AddInt64(&r.events, int64(count))
}

func (r *record) percentile(share float64) float64 {
	if len(r.samples) == 0 {
		return 0
	}
	sort.Slice(r.samples, func(a, b int) bool { return r.samples[a] < r.samples[b] })
	index := int(share * float64(len(r.samples)))
	if index >= len(r.samples) {
		index = len(r.samples) - 1
	}
	return float64(r.samples[index]) / float64(time.Microsecond)
}

// startClosed keeps one request in flight on each connection.
func startClosed(wanted plan, request task, seen *record, clients *sync.WaitGroup, deadline time.Time) {
	for index := 0; index < wanted.connections; index++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			own := &client{address: wanted.address, deadline: deadline}
			defer own.hangUp()
			for atomic.LoadInt32(&seen.stopping) == 0 {
				began := time.Now()
				err := own.send(request.request)
				if err == nil {
					err = own.receive(request, seen.addEvents)
				}
				if err != nil {
					seen.fail(err)
					own.hangUp()
					time.Sleep(10 * time.Millisecond) // a target that is down must not be hammered
					continue
				}
				seen.succeed(time.Since(began))
			}
		}()
	}
}

// startSchedule sends at a fixed rate whatever the target does. Latency counts from the time at which a request
// was due, so that a slow reply is not hidden by the requests that it held up.
func startSchedule(wanted plan, request task, seen *record, clients *sync.WaitGroup, deadline time.Time) {
	type waiting struct {
		own *client
		due time.Time
		err error
	}
	idle := make(chan *client, wanted.connections)
	for index := 0; index < wanted.connections; index++ {
		idle <- &client{address: wanted.address, deadline: deadline}
	}
	clients.Add(1)
	go func() {
		defer clients.Done()
		// Go's own timers are late by up to 1 ms when idle; a thread that sleeps in the kernel is not.
		runtime.LockOSThread()
		began := time.Now()
		for index := 0; atomic.LoadInt32(&seen.stopping) == 0; index++ {
			due := began.Add(time.Duration(float64(index) / wanted.rate * float64(time.Second)))
			sleepUntil(due)
			sent := waiting{own: <-idle, due: due}
			sent.err = sent.own.send(request.request)
			clients.Add(1)
			go func() {
				defer clients.Done()
				err := sent.err
				if err == nil {
					err = sent.own.receive(request, seen.addEvents)
				}
				if err != nil {
					seen.fail(err)
					sent.own.hangUp()
				} else {
					seen.succeed(time.Since(sent.due))
				}
				idle <- sent.own
			}()
		}
	}()
}

func sleepUntil(due time.Time) {
	for left := time.Until(due); left > 0; left = time.Until(due) {
		pause := syscall.NsecToTimespec(int64(left))
		if err := syscall.Nanosleep(&pause, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			panic(fmt.Sprintf("nanosleep: %v", err))
		}
	}
}

// startStreams opens all streams, spread over the first half of the warm-up, and reads each to its end.
func startStreams(wanted plan, request task, seen *record, clients *sync.WaitGroup, deadline time.Time) {
	clients.Add(wanted.connections)
	gap := wanted.warm / 2 / time.Duration(wanted.connections)
	began := time.Now()
	go func() {
		for index := 0; index < wanted.connections; index++ {
			time.Sleep(time.Until(began.Add(gap * time.Duration(index))))
			go func() {
				defer clients.Done()
				opened := time.Now()
				own := &client{address: wanted.address, deadline: deadline}
				defer own.hangUp()
				atomic.AddInt64(&seen.open, 1)
				defer atomic.AddInt64(&seen.open, -1)
				err := own.send(request.request)
				if err == nil {
					err = own.receive(request, seen.addEvents)
				}
				if err != nil {
					seen.fail(err)
					return
				}
				seen.succeed(time.Since(opened))
			}()
		}
	}()
}
