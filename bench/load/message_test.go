package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func readAll(t *testing.T, wire string) (head, string, error) {
	t.Helper()
	// One byte a read is the worst split that there is.
	reader := bufio.NewReader(iotest.OneByteReader(strings.NewReader(wire)))
	message, err := readHead(reader)
	if err != nil {
		return message, "", err
	}
	var payload strings.Builder
	for {
		part, err := message.body.next()
		if errors.Is(err, io.EOF) {
			return message, payload.String(), nil
		}
		if err != nil {
			return message, payload.String(), err
		}
		payload.Write(part)
	}
}

func TestWholeMessages(t *testing.T) {
	for _, wire := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5;ext=1\r\nworld\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nB\r\nhello world\r\n0\r\nx-trailer: 1\r\n\r\n",
	} {
		message, payload, err := readAll(t, wire)
		if err != nil || message.status != 200 || payload != "hello world" {
			t.Errorf("%q: status %d, payload %q, error %v", wire, message.status, payload, err)
		}
	}
}

func TestCutMessagesAreNeverWhole(t *testing.T) {
	wires := []string{
		"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world",
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
	}
	for _, wire := range wires {
		for cut := 0; cut < len(wire); cut++ {
			if _, payload, err := readAll(t, wire[:cut]); err == nil {
				t.Errorf("%q was taken as whole, with %q", wire[:cut], payload)
			}
		}
	}
}

func TestBodySizes(t *testing.T) {
	for _, kind := range []string{"json", "burst", "body"} {
		built, err := newTask(plan{kind: kind, address: "127.0.0.1:1", dialect: "chat", events: 100, intervalMs: 50, bodySize: 5 << 20})
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(built.request), "\r\n\r\n")
		wanted := 1 << 10
		if kind == "body" {
			wanted = 5 << 20
		}
		if len(body) < wanted*3/4 || len(body) > wanted+wanted/4 {
			t.Errorf("%s: a body of %d bytes instead of about %d", kind, len(body), wanted)
		}
		if (kind == "burst") != strings.Contains(body, `"stream":true,"stream_options":{"include_usage":true}`) {
			t.Errorf("%s: %s", kind, body[:200])
		}
	}
}
