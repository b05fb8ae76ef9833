package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
)

// arn is an ARN's sections; the resource keeps its colons.
type arn struct{ partition, service, region, account, resource string }

func parseARN(text string) (arn, error) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[4] == "" || parts[5] == "" {
		return arn{}, fmt.Errorf("%q is no ARN of an account", text)
	}
	return arn{parts[1], parts[2], parts[3], parts[4], parts[5]}, nil
}

func (a arn) String() string {
	return strings.Join([]string{"arn", a.partition, a.service, a.region, a.account, a.resource}, ":")
}

// kind is the resource up to the first slash.
func (a arn) kind() string {
	kind, _, _ := strings.Cut(a.resource, "/")
	return kind
}

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// madeID is always the same for the same name.
func madeID(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + idEncoding.EncodeToString(sum[:])[:17]
}

func randomID(prefix string) string {
	return prefix + idEncoding.EncodeToString(random(20))[:accessKeyCharacters]
}

// randomSecret has the characters and the length of a real one: 40 of base64, slashes and pluses too.
func randomSecret() string { return base64.StdEncoding.EncodeToString(random(30)) }

// randomToken begins as real ones do.
func randomToken(length int) string {
	const prefix = "IQoJb3JpZ2luX2Vj"
	return (prefix + base64.StdEncoding.EncodeToString(random(length)))[:max(length, len(prefix))]
}

func random(length int) []byte {
	bytes := make([]byte, length)
	// https://pkg.go.dev/crypto/rand#Read never fails.
	_, _ = rand.Read(bytes)
	return bytes
}
