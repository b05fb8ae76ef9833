package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"sigs.k8s.io/aws-iam-authenticator/pkg/arn"
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap"
)

type request struct {
	Op       string            `json:"op"`
	Data     map[string]string `json:"data"`
	DataB64  map[string][]byte `json:"data_b64"`
	Identity stsIdentity       `json:"identity"`
	SSOGate  bool              `json:"sso_gate"`
	EC2      map[string]string `json:"ec2"`
	ARN      string            `json:"arn"`
	Count    int               `json:"count"`
	tokenRequest
}

func (r *request) data() map[string]string {
	data := make(map[string]string, len(r.Data)+len(r.DataB64))
	for key, value := range r.Data {
		data[key] = value
	}
	for key, value := range r.DataB64 {
		data[key] = string(value)
	}
	return data
}

// answer handles one request. It never panics: a panic in the library becomes the answer.
func answer(frame []byte) (body []byte) {
	defer func() {
		if cause := recover(); cause != nil {
			body = encode(map[string]string{"panic": fmt.Sprint(cause)})
		}
	}()
	var r request
	if err := json.Unmarshal(frame, &r); err != nil {
		return encode(map[string]string{"refused": err.Error()})
	}
	switch r.Op {
	case "parse":
		return encode(parse(r.data()))
	case "map":
		return encode(mapIdentity(&r))
	case "arn":
		return encode(canonicalize(r.ARN))
	case "token":
		return encode(verifyToken(&r.tokenRequest))
	case "bench":
		return encode(bench(r.data(), r.Count))
	default:
		return encode(map[string]string{"refused": fmt.Sprintf("unknown op %q", r.Op)})
	}
}

func encode(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return body
}

type ssoAnswer struct {
	PermissionSetName string `json:"permissionSetName"`
	AccountID         string `json:"accountID"`
	Partition         string `json:"partition"`
}

type roleAnswer struct {
	RoleARN  string     `json:"rolearn,omitempty"`
	SSO      *ssoAnswer `json:"sso,omitempty"`
	Username string     `json:"username"`
	Groups   []string   `json:"groups"`
	UserID   string     `json:"userid,omitempty"`
	Key      string     `json:"key"`
}

type userAnswer struct {
	UserARN  string   `json:"userarn"`
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
	UserID   string   `json:"userid,omitempty"`
	Key      string   `json:"key"`
}

type parseAnswer struct {
	Roles    []roleAnswer `json:"roles"`
	Users    []userAnswer `json:"users"`
	Accounts []string     `json:"accounts"`
	Errors   []string     `json:"errors"`
}

func parse(data map[string]string) parseAnswer {
	users, roles, accounts, err := configmap.ParseMap(data)
	out := parseAnswer{
		Roles:    make([]roleAnswer, 0, len(roles)),
		Users:    make([]userAnswer, 0, len(users)),
		Accounts: append([]string{}, accounts...),
		Errors:   errorTexts(err),
	}
	for _, role := range roles {
		out.Roles = append(out.Roles, roleAnswer{
			RoleARN: role.RoleARN, SSO: sso(role.SSO), Username: role.Username,
			Groups: role.Groups, UserID: role.UserId, Key: role.Key(),
		})
	}
	for _, user := range users {
		out.Users = append(out.Users, userAnswer{
			UserARN: user.UserARN, Username: user.Username,
			Groups: user.Groups, UserID: user.UserId, Key: user.Key(),
		})
	}
	return out
}

func sso(matcher *config.SSOARNMatcher) *ssoAnswer {
	if matcher == nil {
		return nil
	}
	return &ssoAnswer{matcher.PermissionSetName, matcher.AccountID, matcher.Partition}
}

type arnAnswer struct {
	Canonical string `json:"canonical,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Error     string `json:"error,omitempty"`
}

var kinds = map[arn.PrincipalType]string{
	arn.ROLE:           "role",
	arn.USER:           "user",
	arn.ROOT:           "root",
	arn.FEDERATED_USER: "federated-user",
	arn.ASSUMED_ROLE:   "assumed-role",
}

func canonicalize(text string) arnAnswer {
	kind, canonical, err := arn.Canonicalize(text)
	if err != nil {
		return arnAnswer{Error: err.Error()}
	}
	return arnAnswer{Canonical: canonical, Kind: kinds[kind]}
}

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
