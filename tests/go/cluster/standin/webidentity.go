package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// issuer is an OIDC provider that an account trusts. Its key never leaves the stand-in.
type issuer struct {
	// URL is the iss claim of its tokens.
	URL       string   `json:"issuer"`
	Account   string   `json:"account"`
	Partition string   `json:"partition"`
	Audiences []string `json:"audiences"`
	key       *rsa.PrivateKey
}

const defaultAudience = "sts.amazonaws.com"

func (w *state) putIssuer(i *issuer) error {
	if !strings.HasPrefix(i.URL, "https://") || i.Account == "" {
		return fmt.Errorf("an OIDC provider needs an account and an issuer that begins with https://")
	}
	if i.Partition == "" {
		i.Partition = "aws"
	}
	if len(i.Audiences) == 0 {
		i.Audiences = []string{defaultAudience}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	i.key = key
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.issuers[i.arn()] = i
	return nil
}

func (i *issuer) host() string { return strings.TrimPrefix(i.URL, "https://") }

// arn returns the ARN of the provider in IAM.
func (i *issuer) arn() string {
	return fmt.Sprintf("arn:%s:iam::%s:oidc-provider/%s", i.Partition, i.Account, i.host())
}

// claims are the claims of a token that STS checks.
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience texts  `json:"aud"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// tokenRequest requests a token from an issuer.
type tokenRequest struct {
	Issuer   string `json:"issuer"`
	Account  string `json:"account"`
	Subject  string `json:"subject"`
	Audience string `json:"audience"`
	// Seconds is the lifetime. The default is 3600. Negative values create an expired token.
	Seconds int64 `json:"seconds"`
}

func (w *state) webIdentity(q tokenRequest) (string, error) {
	if q.Audience == "" {
		q.Audience = defaultAudience
	}
	if q.Seconds == 0 {
		q.Seconds = 3600
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, i := range w.issuers {
		if i.URL != q.Issuer || (q.Account != "" && i.Account != q.Account) {
			continue
		}
		now := time.Now().Unix()
		token, err := i.sign(claims{i.URL, q.Subject, texts{q.Audience}, now, now + q.Seconds})
		if err == nil {
			w.secrets = append(w.secrets, token)
		}
		return token, err
	}
	return "", fmt.Errorf("OIDC provider %s is not declared", q.Issuer)
}

func (i *issuer) sign(c claims) (string, error) {
	body := segment(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + segment(c)
	sum := sha256.Sum256([]byte(body))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	return body + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

func segment(value any) string { return base64.RawURLEncoding.EncodeToString(asJSON(value)) }

// verify checks the signature of a token whose claims have been read.
func (i *issuer) verify(parts []string) error {
	var header struct {
		Algorithm string `json:"alg"`
	}
	if err := readSegment(parts[0], &header); err != nil || header.Algorithm != "RS256" {
		return fmt.Errorf("the header must have alg RS256: %w", err)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return rsa.VerifyPKCS1v15(&i.key.PublicKey, crypto.SHA256, sum[:], signature)
}

func readSegment(text string, into any) error {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func (c *call) assumeRoleWithWebIdentity() {
	wanted, name, refused := c.roleAndName()
	if refused != nil {
		c.refuse(refused)
		return
	}
	of, _ := parseARN(wanted)
	provider, read, refused := c.state.checkWebIdentity(c.parameters.Get("WebIdentityToken"), of)
	if refused != nil {
		c.refuse(refused)
		return
	}
	target := c.state.role(wanted)
	have := context{
		provider.host() + ":sub": read.Subject,
		provider.host() + ":aud": read.Audience[0],
		"sts:RoleSessionName":    name,
	}
	if target == nil || !target.trusts("Federated", provider.arn(), "sts:AssumeRoleWithWebIdentity", have) {
		c.refuse(&refusal{403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"})
		return
	}
	seconds, refused := c.duration(target, false)
	if refused != nil {
		c.refuse(refused)
		return
	}
	c.answer(struct {
		assumed
		SubjectFromWebIdentityToken string
		Audience                    string
		Provider                    string
	}{newAssumed(c.state.assume(target, name, seconds)), read.Subject, read.Audience[0], provider.arn()})
}

// checkWebIdentity verifies a token against the providers of the role's account.
func (w *state) checkWebIdentity(token string, role arn) (*issuer, *claims, *refusal) {
	malformed := &refusal{400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, malformed
	}
	var read claims
	if err := readSegment(parts[1], &read); err != nil || len(read.Audience) == 0 {
		return nil, nil, malformed
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	provider := w.issuers[(&issuer{URL: read.Issuer, Account: role.account, Partition: role.partition}).arn()]
	if provider == nil {
		return nil, nil, &refusal{400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for " + read.Issuer}
	}
	if err := provider.verify(parts); err != nil {
		return nil, nil, malformed
	}
	if now := time.Now().Unix(); now >= read.Expires {
		return nil, nil, &refusal{400, "ExpiredTokenException", fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", now, read.Expires)}
	}
	for _, audience := range provider.Audiences {
		if audience == read.Audience[0] {
			return provider, &read, nil
		}
	}
	return nil, nil, &refusal{400, "InvalidIdentityToken", "Incorrect token audience"}
}
