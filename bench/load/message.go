package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// head is what the harness needs to know of a request's or reply's first line and headers.
type head struct {
	status     int  // of a reply
	isMessages bool // of a request: in Anthropic's dialect
	sized      bool
	body       body
	close      bool
}

// body yields the payload of a message without copying it out of the reader's buffer.
type body struct {
	reader  *bufio.Reader
	left    int64
	chunked bool
	begun   bool
	done    bool
}

func readHead(reader *bufio.Reader) (head, error) {
	found := head{body: body{reader: reader}}
	line, err := reader.ReadSlice('\n')
	if err != nil {
		return found, err
	}
	if bytes.HasPrefix(line, []byte("HTTP/1.1 ")) && len(line) >= 12 {
		if found.status, err = strconv.Atoi(string(line[9:12])); err != nil {
			return found, fmt.Errorf("status line %q", line)
		}
	} else {
		found.isMessages = bytes.Contains(line, []byte("/messages "))
	}
	for {
		line, err = reader.ReadSlice('\n')
		if err != nil {
			return found, fmt.Errorf("within the headers: %w", err)
		}
		if len(line) <= 2 {
			return found, nil
		}
		name, value, isHeader := bytes.Cut(line, []byte(":"))
		if !isHeader {
			return found, fmt.Errorf("header line %q", line)
		}
		switch len(name) {
		case len("content-length"), len("transfer-encoding"), len("connection"):
		default:
			continue
		}
		text := strings.ToLower(string(bytes.TrimSpace(value)))
		switch strings.ToLower(string(name)) {
		case "content-length":
			found.sized = true
			if found.body.left, err = strconv.ParseInt(text, 10, 64); err != nil {
				return found, fmt.Errorf("content-length %q", text)
			}
		case "transfer-encoding":
			found.sized = true
			found.body.chunked = text == "chunked"
		case "connection":
			found.close = text == "close"
		}
	}
}

// next returns the following bytes of the payload, valid until the next call, and io.EOF after the last.
// A message that was cut off ends in io.ErrUnexpectedEOF or a socket error, never in io.EOF.
func (b *body) next() ([]byte, error) {
	for b.left == 0 {
		if !b.chunked || b.done {
			return nil, io.EOF
		}
		if err := b.nextChunk(); err != nil {
			return nil, whole(err)
		}
	}
	if b.reader.Buffered() == 0 {
		if _, err := b.reader.Peek(1); err != nil {
			return nil, whole(err)
		}
	}
	count := b.reader.Buffered()
	if int64(count) > b.left {
		count = int(b.left)
	}
	part, err := b.reader.Peek(count)
	if err != nil {
		return nil, whole(err)
	}
	if _, err := b.reader.Discard(count); err != nil {
		return nil, whole(err)
	}
	b.left -= int64(count)
	return part, nil
}

func (b *body) nextChunk() error {
	if b.begun {
		if _, err := b.reader.ReadSlice('\n'); err != nil {
			return err
		}
	}
	b.begun = true
	line, err := b.reader.ReadSlice('\n')
	if err != nil {
		return err
	}
	digits, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(";"))
	if b.left, err = strconv.ParseInt(string(digits), 16, 64); err != nil {
		return fmt.Errorf("chunk size %q", line)
	}
	if b.left > 0 {
		return nil
	}
	b.done = true
	for len(line) > 2 || digits != nil {
		digits = nil
		if line, err = b.reader.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}

func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
