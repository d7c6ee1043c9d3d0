package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// longestStream bounds every connection of a streamed reply.
const longestStream = 10 * time.Minute

// prefixSize is how much of a request's body is searched for its `user` field.
const prefixSize = 512

// longestMark is more than "[bench SCRIPT]" takes.
const longestMark = 64

// upstreamCommand serves POST /v1/chat/completions and POST /v1/messages, each in its dialect. What it answers stands in
// the body's `user` field, or as "[bench SCRIPT]" in a message, which every translation keeps: "json", "burst N" (N
// events at once) or "ticks MS N" (N events, one each MS milliseconds).
func upstreamCommand(arguments []string) error {
	flags := flag.NewFlagSet("upstream", flag.ExitOnError)
	port := flags.Int("port", 0, "port on 127.0.0.1")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		return err
	}
	clocks := newTickers()
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			err := serve(connection, clocks)
			if err != nil && !isHangUp(err) {
				fmt.Fprintln(os.Stderr, "upstream:", err)
			}
		}()
	}
}

func isHangUp(err error) bool {
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}

func serve(connection net.Conn, clocks *tickers) error {
	reader := bufio.NewReaderSize(connection, 16<<10)
	for {
		request, err := readHead(reader)
		if err != nil {
			return err
		}
		script, err := readScript(&request.body)
		if err != nil {
			return err
		}
		spoken := &chat
		if request.isMessages {
			spoken = &messages
		}
		if err := answer(connection, clocks, spoken, script); err != nil {
			return err
		}
		if request.close {
			return nil
		}
	}
}

// readScript reads the whole body and returns its script: the value of the `user` field, which stands near its start,
// or what a mark holds, wherever it is.
func readScript(payload *body) (string, error) {
	prefix := make([]byte, 0, prefixSize)
	var search markSearch
	isMarked := true
	for {
		part, err := payload.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		if room := prefixSize - len(prefix); room > 0 {
			prefix = append(prefix, part[:atMost(room, len(part))]...)
			isMarked = !bytes.Contains(prefix, userField)
		}
		if isMarked {
			search.feed(part)
		}
	}
	_, after, found := bytes.Cut(prefix, userField)
	script, _, ended := bytes.Cut(after, []byte(`"`))
	if found && ended {
		return string(script), nil
	}
	if search.script != "" {
		return search.script, nil
	}
	return "json", nil // a health probe or a list of models
}

var userField = []byte(`"user":"`)
var markStart = []byte("[bench ")

// markSearch finds a mark in a body that comes in parts.
type markSearch struct {
	script string
	end    []byte // of what came before
}

func (m *markSearch) feed(part []byte) {
	joined := append(m.end, part[:atMost(longestMark, len(part))]...)
	m.find(joined)
	m.find(part)
	if len(part) < longestMark {
		m.end = append([]byte{}, joined[len(joined)-atMost(longestMark, len(joined)):]...)
	} else {
		m.end = append(m.end[:0], part[len(part)-longestMark:]...)
	}
}

func (m *markSearch) find(text []byte) {
	_, after, found := bytes.Cut(text, markStart)
	if script, _, ended := bytes.Cut(after, []byte("]")); found && ended {
		m.script = string(script)
	}
}

func atMost(limit, size int) int {
	if size < limit {
		return size
	}
	return limit
}

func answer(connection net.Conn, clocks *tickers, spoken *dialect, script string) error {
	var intervalMs, count int
	if script == "json" {
		_, err := connection.Write(spoken.json)
		return err
	}
	if _, err := fmt.Sscanf(script, "burst %d", &count); err == nil {
		return burst(connection, spoken, count)
	}
	if _, err := fmt.Sscanf(script, "ticks %d %d", &intervalMs, &count); err == nil && intervalMs > 0 && count > 0 {
		return clocks.play(connection, spoken, intervalMs, count)
	}
	return fmt.Errorf("unknown script %q", script)
}

// burst writes each event on its own, as a provider flushes each token; whoever reads slower sees them joined.
func burst(connection net.Conn, spoken *dialect, count int) error {
	if _, err := connection.Write(spoken.streamHead); err != nil {
		return err
	}
	for index := 0; index < count; index++ {
		if _, err := connection.Write(spoken.streamEvent); err != nil {
			return err
		}
	}
	_, err := connection.Write(spoken.streamTail)
	return err
}
