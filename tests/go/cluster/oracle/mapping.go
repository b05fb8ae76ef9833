package main

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

type mapping struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
	Error    string   `json:"error"`
}

// MarshalJSON writes either the mapping or the error, never both.
func (m mapping) MarshalJSON() ([]byte, error) {
	if m.Error != "" {
		return json.Marshal(map[string]string{"error": m.Error})
	}
	return json.Marshal(map[string]any{"username": m.Username, "groups": m.Groups})
}

type identityAnswer struct {
	Canonical string `json:"canonical"`
	Account   string `json:"account"`
	UserID    string `json:"userid"`
	Session   string `json:"session"`
}

// mapAnswer contains Result, or AnyOf if the authenticator's choice varies from call to call.
type mapAnswer struct {
	Identity *identityAnswer `json:"identity,omitempty"`
	Result   *mapping        `json:"result,omitempty"`
	AnyOf    []mapping       `json:"any_of,omitempty"`
}

// gate guards config.SSORoleMatchEnabled, which the library keeps as a plain global.
var gate sync.RWMutex

func mapIdentity(r *request) mapAnswer {
	if r.SSOGate {
		gate.Lock()
		config.SSORoleMatchEnabled = true
		defer func() {
			config.SSORoleMatchEnabled = false
			gate.Unlock()
		}()
	} else {
		gate.RLock()
		defer gate.RUnlock()
	}

	identity, err := verify(r.Identity)
	if err != nil {
		return mapAnswer{Result: &mapping{Error: "verify: " + err.Error()}}
	}
	out := mapAnswer{Identity: &identityAnswer{
		identity.CanonicalARN, identity.AccountID, identity.UserID, identity.SessionName,
	}}

	users, roles, accounts, _ := configmap.ParseMap(r.data())
	stores := candidateStores(users, roles, accounts, strings.ToLower(identity.CanonicalARN))
	for _, store := range stores {
		result := login(store, r.EC2, identity)
		if !contains(out.AnyOf, result) {
			out.AnyOf = append(out.AnyOf, result)
		}
	}
	if len(stores) == 1 {
		out.Result, out.AnyOf = &out.AnyOf[0], nil
	}
	return out
}

// candidateStores returns one store for each entry that the authenticator might choose. The
// authenticator iterates over a Go map, so if several entries match, it may find any of them first.
// Each candidate is therefore the only matching entry in a separate store.
func candidateStores(users []config.UserMapping, roles []config.RoleMapping, accounts []string, subject string) []*configmap.MapStore {
	var stores []*configmap.MapStore
	for _, role := range lastByKey(roles, func(r *config.RoleMapping) string { return r.Key() }) {
		if role.Matches(subject) {
			stores = append(stores, newStore(users, []config.RoleMapping{role}, accounts))
		}
	}
	if len(stores) == 0 {
		for _, user := range lastByKey(users, func(u *config.UserMapping) string { return u.Key() }) {
			if user.Matches(subject) {
				stores = append(stores, newStore([]config.UserMapping{user}, roles, accounts))
			}
		}
	}
	if len(stores) < 2 {
		return []*configmap.MapStore{newStore(users, roles, accounts)}
	}
	return stores
}

// lastByKey returns the last entry for each key, in order of first appearance.
func lastByKey[M any](entries []M, key func(*M) string) []M {
	position := make(map[string]int, len(entries))
	var kept []M
	for _, entry := range entries {
		k := key(&entry)
		if at, seen := position[k]; seen {
			kept[at] = entry
			continue
		}
		position[k] = len(kept)
		kept = append(kept, entry)
	}
	return kept
}

// login runs the authenticator's mapping step with these entries and instances.
func login(store *configmap.MapStore, instances map[string]string, identity *token.Identity) mapping {
	username, groups, err := doMapping(newHandler(store, fakeEC2(instances)), context.Background(), identity)
	if err != nil {
		return mapping{Error: err.Error()}
	}
	return mapping{Username: username, Groups: groups}
}

func contains(results []mapping, target mapping) bool {
	for _, result := range results {
		if reflect.DeepEqual(result, target) {
			return true
		}
	}
	return false
}

// fakeEC2 maps instance ids to private DNS names.
type fakeEC2 map[string]string

func (s fakeEC2) DescribeInstances(_ context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	out := &ec2.DescribeInstancesOutput{}
	for _, id := range in.InstanceIds {
		if name, ok := s[id]; ok {
			instance := types.Instance{InstanceId: &id, PrivateDnsName: &name}
			out.Reservations = append(out.Reservations, types.Reservation{Instances: []types.Instance{instance}})
		}
	}
	return out, nil
}
