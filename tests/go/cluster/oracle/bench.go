package main

import (
	"runtime/debug"
	"time"

	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap"
)

type benchAnswer struct {
	// Nanos contains the duration of each run in nanoseconds.
	Nanos []int64 `json:"nanos"`
}

func bench(data map[string]string, count int) benchAnswer {
	// Use Go's default, as the authenticator itself does.
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	nanos := make([]int64, 0, count)
	for range count {
		start := time.Now()
		_, _, _, _ = configmap.ParseMap(data)
		nanos = append(nanos, time.Since(start).Nanoseconds())
	}
	return benchAnswer{nanos}
}
