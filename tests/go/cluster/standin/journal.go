package main

import (
	"encoding/json"
	"os"
	"sync"
	"time"
)

// entry describes a request and its response. It contains no secrets.
type entry struct {
	Sequence int    `json:"sequence"`
	Time     string `json:"time"`
	// Service is sts, ec2, sso, oidc, imds or container, or proxy for a request that the proxy rejected.
	Service string `json:"service"`
	// ID is the id of the instance or container.
	ID     string `json:"id,omitempty"`
	Host   string `json:"host,omitempty"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Action string `json:"action,omitempty"`
	// AccessKeyID is the access key id in the request's signature.
	AccessKeyID string `json:"accessKeyId,omitempty"`
	UserAgent   string `json:"userAgent,omitempty"`
	// Connection is the client's address and port.
	Connection string `json:"connection,omitempty"`
	// Status is 0 if no response was sent.
	Status int `json:"status"`
	// Code is the AWS error code.
	Code string `json:"code,omitempty"`
}

// journal records requests in memory and in a file.
type journal struct {
	mutex   sync.Mutex
	file    *os.File
	entries []entry
	count   int
}

func newJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &journal{file: file}, nil
}

func (j *journal) add(e entry) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.count++
	e.Sequence = j.count
	e.Time = time.Now().UTC().Format(time.RFC3339Nano)
	j.entries = append(j.entries, e)
	line, err := json.Marshal(e)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	if err != nil {
		quit(err)
	}
}

// all returns the entries in order. The result is never nil.
func (j *journal) all() []entry {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return append([]entry{}, j.entries...)
}

func (j *journal) clear() {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.entries = nil
}
