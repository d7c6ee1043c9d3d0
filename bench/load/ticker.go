package main

import (
	"net"
	"sync"
	"time"
)

// tickers plays slow streams: one timer for all streams of an interval instead of one timer each.
type tickers struct {
	mutex  sync.Mutex
	wheels map[int]*wheel
}

func newTickers() *tickers {
	return &tickers{wheels: map[int]*wheel{}}
}

// wheel has a slot for each millisecond of its interval; a stream is written when its slot comes round, so
// that the events of many streams are spread evenly over time.
type wheel struct {
	mutex sync.Mutex
	slots [][]*slowStream
	next  int
}

type slowStream struct {
	connection net.Conn
	spoken     *dialect
	left       int
	ended      chan error
}

// play writes count events and the tail to the connection, one each intervalMs, and returns when it is through.
func (t *tickers) play(connection net.Conn, spoken *dialect, intervalMs, count int) error {
	if _, err := connection.Write(spoken.streamHead); err != nil {
		return err
	}
	if err := connection.SetWriteDeadline(time.Now().Add(longestStream)); err != nil {
		return err
	}
	t.mutex.Lock()
	turning, exists := t.wheels[intervalMs]
	if !exists {
		turning = &wheel{slots: make([][]*slowStream, intervalMs)}
		t.wheels[intervalMs] = turning
		go turning.turn()
	}
	t.mutex.Unlock()
	playing := &slowStream{connection: connection, spoken: spoken, left: count, ended: make(chan error, 1)}
	turning.add(playing)
	err := <-playing.ended
	if err != nil {
		return err
	}
	return connection.SetWriteDeadline(time.Time{})
}

func (w *wheel) add(playing *slowStream) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	// The golden ratio's step keeps neighbours in time apart on the wheel, however many streams there are.
	w.next = (w.next + len(w.slots)*618/1000 + 1) % len(w.slots)
	w.slots[w.next] = append(w.slots[w.next], playing)
}

func (w *wheel) turn() {
	began := time.Now()
	position := 0
	for range time.Tick(time.Millisecond) {
		// A late timer makes up for the slots that it missed.
		for due := int(time.Since(began).Milliseconds()); position < due; position++ {
			w.fire(position % len(w.slots))
		}
	}
}

func (w *wheel) fire(slot int) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	kept := w.slots[slot][:0]
	for _, playing := range w.slots[slot] {
		if playing.left == 0 {
			_, err := playing.connection.Write(playing.spoken.streamTail)
			playing.ended <- err
			continue
		}
		playing.left--
		if _, err := playing.connection.Write(playing.spoken.streamEvent); err != nil {
			playing.ended <- err
			continue
		}
		kept = append(kept, playing)
	}
	for index := len(kept); index < len(w.slots[slot]); index++ {
		w.slots[slot][index] = nil
	}
	w.slots[slot] = kept
}
