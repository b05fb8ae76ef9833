package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

// stsIdentity is the identity that STS returns for a caller, and the access key that signed the request.
type stsIdentity struct {
	ARN       string `json:"sts_arn"`
	Account   string `json:"sts_account"`
	UserID    string `json:"sts_userid"`
	AccessKey string `json:"access_key"`
}

const stsHost = "sts.us-east-1.amazonaws.com"

var (
	verifier = token.NewVerifier("oracle", "aws", "us-east-1")
	replies  sync.Map // signature of a token being verified → stsIdentity
	tokens   atomic.Uint64
)

// The verifier's HTTP client uses the default transport, and sends requests only to STS.
func init() { http.DefaultTransport = fakeSTS{} }

// verify runs the authenticator's own token verification. The signature in the token identifies the
// reply of the fake STS; the authenticator itself does not check it.
func verify(identity stsIdentity) (*token.Identity, error) {
	signature := strconv.FormatUint(tokens.Add(1), 16)
	replies.Store(signature, identity)
	defer replies.Delete(signature)

	query := url.Values{
		"Action":              {"GetCallerIdentity"},
		"X-Amz-Credential":    {identity.AccessKey + "/20260101/us-east-1/sts/aws4_request"},
		"X-Amz-Date":          {time.Now().UTC().Format("20060102T150405Z")},
		"X-Amz-Expires":       {"60"},
		"X-Amz-SignedHeaders": {"host;x-k8s-aws-id"},
		"X-Amz-Signature":     {signature},
	}
	presigned := "https://" + stsHost + "/?" + query.Encode()
	return verifier.Verify("k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(presigned)))
}

// fakeSTS answers GetCallerIdentity without a network.
type fakeSTS struct{}

func (fakeSTS) RoundTrip(request *http.Request) (*http.Response, error) {
	if reply, ok := stsReplies.Load(request.Header.Get("x-k8s-aws-id")); ok {
		return reply.(*tokenRequest).reply(request), nil
	}
	identity, ok := replies.Load(request.URL.Query().Get("X-Amz-Signature"))
	if !ok || request.URL.Host != stsHost {
		return nil, fmt.Errorf("no reply prepared for %s", request.URL)
	}
	caller := identity.(stsIdentity)
	body, err := json.Marshal(map[string]any{"GetCallerIdentityResponse": map[string]any{
		"GetCallerIdentityResult": map[string]string{
			"Account": caller.Account, "Arn": caller.ARN, "UserId": caller.UserID,
		},
	}})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Request:    request,
		Body:       io.NopCloser(bytes.NewReader(body)),
	}, nil
}
