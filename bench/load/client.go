package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const clientKey = "sk-bench-client"

// client is one kept-alive connection.
type client struct {
	address    string
	deadline   time.Time
	connection net.Conn
	reader     *bufio.Reader
}

// task is a request, ready to be sent, and what a whole reply to it looks like.
type task struct {
	request      []byte
	events       int    // 0: no stream
	eventMark    []byte // what each of them holds once
	lastOfStream []byte
	leastBytes   int // of a reply that is no stream
}

func (c *client) send(request []byte) error {
	if c.connection == nil {
		connection, err := net.DialTimeout("tcp", c.address, 10*time.Second)
		if err != nil {
			return err
		}
		if err := connection.SetDeadline(c.deadline); err != nil {
			return err
		}
		c.connection = connection
		c.reader = bufio.NewReaderSize(connection, 4<<10)
	}
	_, err := c.connection.Write(request)
	return err
}

// receive reads one reply and checks that it is whole. onEvents hears of events as they come.
func (c *client) receive(expected task, onEvents func(count int)) error {
	reply, err := readHead(c.reader)
	if err != nil {
		return fmt.Errorf("before the reply: %w", whole(err))
	}
	if !reply.sized {
		return errors.New("reply without a length")
	}
	var seen, size int
	var last [96]byte // the end of the payload, for the check and across the parts
	tail := last[:0]
	overlap := len(expected.eventMark) - 1
	for {
		part, err := reply.body.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("within the reply after %d bytes and %d events: %w", size, seen, err)
		}
		size += len(part)
		if expected.events > 0 {
			count := bytes.Count(part, expected.eventMark)
			// A mark that the parts' border cuts lies within these few bytes, a whole one never does.
			border := append([]byte{}, tail[len(tail)-atMost(overlap, len(tail)):]...)
			count += bytes.Count(append(border, part[:atMost(overlap, len(part))]...), expected.eventMark)
			seen += count
			onEvents(count)
		}
		tail = keepEnd(&last, tail, part)
	}
	if reply.close {
		c.hangUp()
	}
	if reply.status != 200 {
		return fmt.Errorf("status %d: …%s", reply.status, tail)
	}
	if seen != expected.events {
		return fmt.Errorf("%d events of %d", seen, expected.events)
	}
	if expected.events > 0 && !isStreamEnd(tail, expected.lastOfStream) {
		return fmt.Errorf("the stream ends in %q", tail)
	}
	if expected.leastBytes > 0 && (size < expected.leastBytes || tail[len(tail)-1] != '}') {
		return fmt.Errorf("reply of %d bytes ends in %q", size, tail)
	}
	return nil
}

func isStreamEnd(tail, lastOfStream []byte) bool {
	return bytes.HasSuffix(tail, []byte("\n\n")) && bytes.Contains(tail, lastOfStream)
}

func keepEnd(store *[96]byte, tail, part []byte) []byte {
	if len(part) >= len(store) {
		return store[:copy(store[:], part[len(part)-len(store):])]
	}
	if over := len(tail) + len(part) - len(store); over > 0 {
		tail = store[:copy(store[:], tail[over:])]
	}
	return append(tail, part...)
}

func (c *client) hangUp() {
	if c.connection != nil {
		c.connection.Close() // nothing is owed to a connection that is given up
		c.connection = nil
	}
}
