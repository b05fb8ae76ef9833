package main

import (
	"encoding/json"
	"fmt"
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
