package main

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

// tokenRequest contains a token, the cluster whose authenticator verifies it, and the response of STS.
type tokenRequest struct {
	Token     string `json:"token"`
	Partition string `json:"partition"`
	Region    string `json:"region"`
	Status    int    `json:"status"`
	Body      string `json:"body"`
}

// stsReplies maps the name of each cluster with a verification in progress to the response of STS.
var stsReplies sync.Map

type tokenAnswer struct {
	Error string `json:"error,omitempty"`
	// Host is the STS host that received the request, if any.
	Host string `json:"host,omitempty"`
	// CanonicalARN is the identity that the token signs in.
	CanonicalARN string `json:"canonical,omitempty"`
	AccessKey    string `json:"access_key,omitempty"`
}

func verifyToken(r *tokenRequest) tokenAnswer {
	cluster := "token-" + strconv.FormatUint(tokens.Add(1), 16)
	stsReplies.Store(cluster, r)
	defer stsReplies.Delete(cluster)
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
