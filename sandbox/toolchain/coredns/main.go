// Command coredns is the cluster's DNS server with only the plugins that the
// sandbox's Corefile names; the full one takes three times as long to build.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/template"
)

// The order in which plugins see a query, from CoreDNS' own plugin.cfg.
func init() {
	dnsserver.Directives = []string{
		"reload", "health", "ready", "errors", "template", "kubernetes",
	}
}

func main() {
	coremain.Run()
}
