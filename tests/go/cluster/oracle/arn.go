package main

import "sigs.k8s.io/aws-iam-authenticator/pkg/arn"

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
