// Oracle reports, over a pipe, how aws-iam-authenticator itself interprets an aws-auth ConfigMap.
//
// It reads requests from standard input and writes one answer per request to standard output, in the
// same order. Each is a frame: a little-endian uint32 length, then that many bytes of JSON.
//
//	{"op":"parse","data":{"mapRoles":"…"}}              the entries that ParseMap reads
//	{"op":"map","data":{…},"identity":{…}}              the user that an STS identity becomes
//	{"op":"arn","arn":"arn:aws:…"}                      its canonical ARN and kind
//	{"op":"token","token":"…","partition":"aws",…}      the identity of a token, given the response of STS
//	{"op":"bench","data":{…},"count":20}                the duration of one ParseMap call
//
// Values that are not UTF-8 are in data_b64 instead of data. A panic inside the library is caught and
// returned as {"panic":"…"}. The process exits at the end of its input.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/sirupsen/logrus"
)

// chunkFrames is the maximum number of requests that a worker takes at a time: enough to make passing
// them between goroutines cheap, few enough to keep all workers busy.
const chunkFrames = 64

// maxFrame is the maximum length of a frame. A longer one means that the client violates the protocol.
const maxFrame = 256 << 20

// bulkGC uses more memory to produce a third more answers per second.
const bulkGC = 400

// chunk is a sequence of requests for one worker. done receives the encoded answers.
type chunk struct {
	requests [][]byte
	done     chan []byte
}

func main() {
	// The library logs every parse error; formatting those would dominate the run.
	logrus.SetOutput(io.Discard)
	logrus.SetLevel(logrus.PanicLevel)
	debug.SetGCPercent(bulkGC)
	if err := serve(os.Stdin, os.Stdout); err != nil {
		quit(err)
	}
}

// serve answers every request from in on out, in order, using all processors.
func serve(in io.Reader, out io.Writer) error {
	workers := runtime.GOMAXPROCS(0)
	todo := make(chan *chunk, workers)
	order := make(chan *chunk, 4*workers)
	for range workers {
		go func() {
			for c := range todo {
				c.done <- answerAll(c.requests)
			}
		}()
	}
	written := make(chan struct{})
	go func() {
		writeInOrder(out, order)
		close(written)
	}()

	err := readChunks(bufio.NewReaderSize(in, 1<<20), func(c *chunk) {
		order <- c
		todo <- c
	})
	close(todo)
	close(order)
	<-written
	return err
}

// readChunks splits the input into chunks. It never delays a request to wait for the next one.
func readChunks(in *bufio.Reader, emit func(*chunk)) error {
	for {
		c := &chunk{done: make(chan []byte, 1)}
		for len(c.requests) < chunkFrames && (len(c.requests) == 0 || in.Buffered() > 0) {
			frame, err := readFrame(in)
			if err != nil {
				if len(c.requests) > 0 {
					emit(c)
				}
				if err == io.EOF {
					return nil
				}
				return fmt.Errorf("reading a request: %w", err)
			}
			c.requests = append(c.requests, frame)
		}
		emit(c)
	}
}

// readFrame reads one frame. It returns io.EOF only at a frame boundary.
func readFrame(in *bufio.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length > maxFrame {
		return nil, fmt.Errorf("frame of %d bytes", length)
	}
	frame := make([]byte, length)
	if _, err := io.ReadFull(in, frame); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return frame, nil
}

// writeInOrder writes the answers in order. It flushes only if no other chunk is pending.
func writeInOrder(out io.Writer, order <-chan *chunk) {
	buffered := bufio.NewWriterSize(out, 1<<20)
	for c := range order {
		_, err := buffered.Write(<-c.done)
		if err == nil && len(order) == 0 {
			err = buffered.Flush()
		}
		if err != nil {
			// The client has closed the pipe, so there is no reason to read the rest of the input.
			quit(fmt.Errorf("writing an answer: %w", err))
		}
	}
	if err := buffered.Flush(); err != nil {
		quit(fmt.Errorf("writing an answer: %w", err))
	}
}

func quit(err error) {
	fmt.Fprintf(os.Stderr, "oracle: %v\n", err)
	os.Exit(1)
}

func answerAll(requests [][]byte) []byte {
	var out []byte
	for _, request := range requests {
		body := answer(request)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(body)))
		out = append(out, body...)
	}
	return out
}
