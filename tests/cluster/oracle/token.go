package main

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

// tokenRequest is a token, the cluster whose authenticator gets it, and what STS will say.
type tokenRequest struct {
	Token     string `json:"token"`
	Partition string `json:"partition"`
	Region    string `json:"region"`
	Status    int    `json:"status"`
	Body      string `json:"body"`
}

// answers holds, for the name of each cluster whose authenticator is asked just now, what STS will say.
var answers sync.Map

type tokenAnswer struct {
	Error string `json:"error,omitempty"`
	// What was sent to STS, if anything was.
	Host string `json:"host,omitempty"`
	// Whom it signs in.
	CanonicalARN string `json:"canonical,omitempty"`
	AccessKey    string `json:"access_key,omitempty"`
}

func verifyToken(r *tokenRequest) tokenAnswer {
	cluster := "token-" + strconv.FormatUint(tokens.Add(1), 16)
	answers.Store(cluster, r)
	defer answers.Delete(cluster)
	identity, err := token.NewVerifier(cluster, r.Partition, r.Region).Verify(r.Token)
	if err != nil {
		return tokenAnswer{Error: err.Error()}
	}
	return tokenAnswer{Host: identity.STSEndpoint, CanonicalARN: identity.CanonicalARN, AccessKey: identity.AccessKeyID}
}

func (r *tokenRequest) reply(request *http.Request) *http.Response {
	return &http.Response{
		StatusCode: r.Status,
		Request:    request,
		Body:       io.NopCloser(strings.NewReader(r.Body)),
	}
}
