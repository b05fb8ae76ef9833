// Oracle answers, over a pipe, what aws-iam-authenticator itself makes of an aws-auth ConfigMap.
//
// Standard input carries requests and standard output one answer per request, in the order of the
// requests. Each is a frame: a little-endian uint32 length, then that many bytes of JSON.
//
//	{"op":"parse","data":{"mapRoles":"…"}}              what ParseMap reads
//	{"op":"map","data":{…},"identity":{…}}              whom an STS identity becomes
//	{"op":"arn","arn":"arn:aws:…"}                      its canonical ARN and kind
//	{"op":"token","token":"…","partition":"aws",…}      whom a token signs in, given STS's answer
//	{"op":"bench","data":{…},"count":20}                how long one ParseMap takes
//
// Values that are not UTF-8 go in data_b64 instead of data. A panic inside the library is caught and
// answered as {"panic":"…"}; the process ends at the end of its input.
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

// chunkFrames bounds how many requests one worker takes at a time: enough to make the hand-over
// between goroutines cheap, few enough that all workers stay busy.
const chunkFrames = 64

// maxFrame refuses absurd lengths, which only a writer out of step with the protocol sends.
const maxFrame = 256 << 20

// bulkGC trades memory for a third more answers per second; one answer leaves little to collect.
const bulkGC = 400

// chunk is a run of requests on its way through a worker; done delivers the encoded answers.
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

// serve answers every request of in on out, using all processors and keeping the order.
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

// readChunks cuts the input into chunks, never holding back a request to wait for the next one.
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

// readFrame returns io.EOF only at a frame boundary.
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

// writeInOrder flushes only when no further answer is under way.
func writeInOrder(out io.Writer, order <-chan *chunk) {
	buffered := bufio.NewWriterSize(out, 1<<20)
	for c := range order {
		_, err := buffered.Write(<-c.done)
		if err == nil && len(order) == 0 {
			err = buffered.Flush()
		}
		if err != nil {
			// The reader went away: reading the rest of the input would be work for nobody.
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
