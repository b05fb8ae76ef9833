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

// The store's writer and the server's mapping step are not exported. Calling the real ones, rather
// than copies, is the point of this program; go.mod pins the version whose names and fields these are.

//go:linkname saveMap sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap.(*MapStore).saveMap
func saveMap(store *configmap.MapStore, users []config.UserMapping, roles []config.RoleMapping, accounts []string)

// doMapping is a method of the server's handler type, whose name we cannot write: handler points to one.
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

// newHandler builds a server handler around one ConfigMap store, with an EC2 cache of its own so that
// no lookup sees another's instances.
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

// errorTexts unpacks the errors that ParseMap collected, in its order.
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

// fill points an unexported field at a new struct, one of whose fields gets a value.
func fill(structure reflect.Value, name, inner string, value any) {
	slot := field(structure, name)
	slot.Set(reflect.New(slot.Type().Elem()))
	set(slot, inner, value)
}

func set(structure reflect.Value, name string, value any) {
	field(structure, name).Set(reflect.ValueOf(value))
}

// field makes an unexported field of the pointed-to struct readable and writable.
func field(structure reflect.Value, name string) reflect.Value {
	found := structure.Elem().FieldByName(name)
	if !found.IsValid() {
		panic(fmt.Sprintf("%s has no field %s", structure.Type(), name))
	}
	return reflect.NewAt(found.Type(), found.Addr().UnsafePointer()).Elem()
}
