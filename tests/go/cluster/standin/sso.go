package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// ssoSession is a user's sign-in session in IAM Identity Center, with the roles that it grants.
type ssoSession struct {
	AccessToken string `json:"accessToken"`
	// RefreshToken, ClientID and ClientSecret are used to obtain a new access token when this one has expired.
	RefreshToken string `json:"refreshToken"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	// Seconds is the lifetime of the access token. The default is 3600. Negative values create an expired token.
	Seconds int `json:"seconds"`
	// User is the session name of the role sessions.
	User  string    `json:"user"`
	Roles []ssoRole `json:"roles"`

	expires time.Time
}

// ssoRole is a permission set that is assigned in an account, and its IAM role there.
type ssoRole struct {
	Account string `json:"account"`
	Name    string `json:"name"`
	Role    string `json:"role"`
}

func (w *state) putSSO(s *ssoSession) error {
	if s.AccessToken == "" {
		s.AccessToken = randomToken(defaultTokenBytes)
	}
	if s.Seconds == 0 {
		s.Seconds = defaultMaxSession
	}
	if s.User == "" {
		return fmt.Errorf("an SSO session needs a user")
	}
	s.expires = time.Now().Add(time.Duration(s.Seconds) * time.Second)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.sso = append(w.sso, s)
	for _, secret := range []string{s.AccessToken, s.RefreshToken, s.ClientSecret} {
		if secret != "" {
			w.secrets = append(w.secrets, secret)
		}
	}
	return nil
}

// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
func (c *call) getRoleCredentials() {
	token := c.r.Header.Get("X-Amz-Sso_bearer_token")
	account, name := c.parameters.Get("account_id"), c.parameters.Get("role_name")
	c.state.mutex.Lock()
	var signedIn *ssoSession
	for _, s := range c.state.sso {
		if s.AccessToken == token && time.Now().Before(s.expires) {
			signedIn = s
		}
	}
	c.state.mutex.Unlock()
	if signedIn == nil {
		c.refuse(&refusal{401, "UnauthorizedException", "Session token not found or invalid"})
		return
	}
	for _, one := range signedIn.Roles {
		of := c.state.role(one.Role)
		if one.Account != account || one.Name != name || of == nil {
			continue
		}
		s := c.state.assume(of, signedIn.User, defaultMaxSession*time.Second)
		c.send(200, "application/json", asJSON(map[string]any{"roleCredentials": map[string]any{
			"accessKeyId":     s.accessKeyID,
			"secretAccessKey": s.secret,
			"sessionToken":    s.token,
			"expiration":      s.expires.UnixMilli(),
		}}))
		return
	}
	c.refuse(&refusal{403, "ForbiddenException", "No access"})
}

// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
func (c *call) createToken() {
	var request struct{ ClientID, ClientSecret, GrantType, RefreshToken string }
	if err := json.Unmarshal(c.body, &request); err != nil || request.GrantType != "refresh_token" {
		c.refuse(&refusal{400, "UnsupportedGrantTypeException", "unsupported_grant_type"})
		return
	}
	c.state.mutex.Lock()
	defer c.state.mutex.Unlock()
	for _, s := range c.state.sso {
		if s.RefreshToken == "" || s.RefreshToken != request.RefreshToken || s.ClientID != request.ClientID || s.ClientSecret != request.ClientSecret {
			continue
		}
		s.AccessToken = randomToken(defaultTokenBytes)
		s.expires = time.Now().Add(defaultMaxSession * time.Second)
		c.state.secrets = append(c.state.secrets, s.AccessToken)
		c.send(200, "application/json", asJSON(map[string]any{
			"accessToken": s.AccessToken, "expiresIn": defaultMaxSession,
			"refreshToken": s.RefreshToken, "tokenType": "Bearer",
		}))
		return
	}
	c.refuse(&refusal{400, "InvalidGrantException", "Invalid refresh token provided"})
}

// refuseAsREST sends an error in the format of REST-JSON services.
func (c *call) refuseAsREST(refused *refusal) {
	c.w.Header().Set("x-amzn-ErrorType", refused.code)
	c.send(refused.status, "application/json", asJSON(map[string]string{"__type": refused.code, "message": refused.message}))
}
