package main

import (
	"context"
	"fmt"
	"reflect"
	"unsafe"

	"sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/ec2provider"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap"
	"sigs.k8s.io/aws-iam-authenticator/pkg/server"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

// The function that fills the store and the server's mapping step are not exported. The purpose of this
// program is to call the real functions, not copies. go.mod pins the version with these names and fields.

//go:linkname saveMap sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap.(*MapStore).saveMap
func saveMap(store *configmap.MapStore, users []config.UserMapping, roles []config.RoleMapping, accounts []string)

// doMapping is a method of the server's unexported handler type. handler points to a value of that type.
//
//go:linkname doMapping sigs.k8s.io/aws-iam-authenticator/pkg/server.(*handler).doMapping
func doMapping(handler unsafe.Pointer, ctx context.Context, identity *token.Identity) (string, []string, error)

func newStore(users []config.UserMapping, roles []config.RoleMapping, accounts []string) *configmap.MapStore {
	store := &configmap.MapStore{}
	saveMap(store, users, roles, accounts)
	return store
}

var (
	handlerType  = field(reflect.New(reflect.TypeFor[server.Server]()), "internalHandler").Type().Elem()
	providerType = reflect.TypeOf(ec2provider.New(context.Background(), "", "", "us-east-1", 1, 1)).Elem()
)

// newHandler returns a server handler for one ConfigMap store. It has its own EC2 cache, so that
// lookups never see the instances of another request.
func newHandler(store *configmap.MapStore, api ec2provider.EC2API) unsafe.Pointer {
	provider := reflect.New(providerType)
	set(provider, "ec2", api)
	fill(provider, "privateDNSCache", "cache", map[string]string{})
	fill(provider, "ec2Requests", "set", map[string]bool{})

	handler := reflect.New(handlerType)
	set(handler, "ec2Provider", provider.Interface())
	mappers := []mapper.Mapper{&configmap.ConfigMapMapper{MapStore: store}}
	set(field(handler, "backendMapper").Addr(), "mappers", mappers)
	return handler.UnsafePointer()
}

// errorTexts returns the errors that ParseMap collected, in order.
func errorTexts(err error) []string {
	texts := []string{}
	if err == nil {
		return texts
	}
	collected := reflect.New(reflect.TypeFor[configmap.ErrParsingMap]())
	collected.Elem().Set(reflect.ValueOf(err))
	for _, one := range field(collected, "errors").Interface().([]error) {
		texts = append(texts, one.Error())
	}
	return texts
}

// fill sets an unexported field to a new struct and sets one field of that struct.
func fill(structure reflect.Value, name, inner string, value any) {
	slot := field(structure, name)
	slot.Set(reflect.New(slot.Type().Elem()))
	set(slot, inner, value)
}

func set(structure reflect.Value, name string, value any) {
	field(structure, name).Set(reflect.ValueOf(value))
}

// field returns an unexported field of the pointed-to struct as a readable and writable value.
func field(structure reflect.Value, name string) reflect.Value {
	found := structure.Elem().FieldByName(name)
	if !found.IsValid() {
		panic(fmt.Sprintf("%s has no field %s", structure.Type(), name))
	}
	return reflect.NewAt(found.Type(), found.Addr().UnsafePointer()).Elem()
}
