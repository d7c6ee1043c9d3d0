package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
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
	request []byte
	events  int // 0: a JSON reply
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
			count := bytes.Count(part, eventEnd)
			if len(tail) > 0 && tail[len(tail)-1] == '\n' && part[0] == '\n' {
				count++
			}
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
	if expected.events > 0 && !bytes.HasSuffix(tail, streamMark) {
		return fmt.Errorf("the stream ends in %q", tail)
	}
	if expected.events == 0 && (size < 500 || tail[len(tail)-1] != '}') {
		return fmt.Errorf("reply of %d bytes ends in %q", size, tail)
	}
	return nil
}

var eventEnd = []byte("\n\n")
var streamMark = []byte("data: [DONE]\n\n")

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

// newTask builds the request of a kind of work.
func newTask(kind, address string, eventCount, intervalMs, bodySize int) (task, error) {
	script, stream, extra := "json", "", 0
	size := 1 << 10
	switch kind {
	case "json":
	case "body":
		size = bodySize
	case "burst":
		script = fmt.Sprintf("burst %d", eventCount)
		extra = eventCount + tailEvents
	case "ticks":
		script = fmt.Sprintf("ticks %d %d", intervalMs, eventCount)
		extra = eventCount + tailEvents
	default:
		return task{}, fmt.Errorf("unknown kind %q", kind)
	}
	if extra > 0 {
		stream = `"stream":true,"stream_options":{"include_usage":true},`
	}
	payload := chatBody(fmt.Sprintf(`{"model":"bench-model","user":%q,%s"temperature":0.7,"messages":[`, script, stream), size)
	request := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nhost: %s\r\nauthorization: Bearer %s\r\n"+
		"content-type: application/json\r\naccept: application/json\r\nuser-agent: clewline-bench\r\n"+
		"content-length: %d\r\n\r\n%s", address, clientKey, len(payload), payload)
	return task{request: []byte(request), events: extra}, nil
}

// chatBody fills a chat up to about sizeBytes. A large one is half a picture in base64 and half short turns, so
// that neither a long string nor many small values alone decides what it costs.
func chatBody(opening string, sizeBytes int) string {
	const prose = "Ariadne gave him a ball of thread, and \\\"he\\\" tied its end at the door.\\nSo he found the way back. "
	var text strings.Builder
	text.Grow(sizeBytes + 4096)
	text.WriteString(opening)
	text.WriteString(`{"role":"system","content":"You are a helpful assistant."}`)
	if sizeBytes > 64<<10 {
		text.WriteString(`,{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,`)
		text.WriteString(strings.Repeat("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ", sizeBytes/2/44))
		text.WriteString(`"}}]}`)
	}
	for turn := 0; text.Len() < sizeBytes-400; turn++ {
		role := "user"
		if turn%2 == 1 {
			role = "assistant"
		}
		repeats := 8
		if left := (sizeBytes - text.Len() - 60) / len(prose); left < repeats {
			repeats = left
		}
		fmt.Fprintf(&text, `,{"role":%q,"content":"%s"}`, role, strings.Repeat(prose, repeats))
	}
	text.WriteString(`,{"role":"user","content":"Which way is out?"}]}`)
	return text.String()
}
