import { AUDIT_LABEL, AUDIT_LINES } from "./audit";

/**
 * Alloy's configuration: the logs of this node's pods and of its journal, to Loki. Alloy v1.11.
 *
 * Pods are read from their files, not through the API: the control plane's 4 cores do not carry every log line, and
 * lines written while the API server is down arrive later. The chart passes the text through Helm's `tpl`, so it must
 * hold no double braces.
 *
 * @param lokiUrl base address of Loki.
 */
export function alloyConfig(lokiUrl: string): string {
  return `logging {
  level  = "warn"
  format = "logfmt"
}

discovery.kubernetes "pods" {
  role = "pod"

  // HOSTNAME is the node's name here: each pod of the DaemonSet reads its own node only.
  selectors {
    role  = "pod"
    field = "spec.nodeName=" + sys.env("HOSTNAME")
  }
}

discovery.relabel "pods" {
  targets = discovery.kubernetes.pods.targets

  rule {
    source_labels = ["__meta_kubernetes_namespace"]
    target_label  = "namespace"
  }

  rule {
    source_labels = ["__meta_kubernetes_pod_name"]
    target_label  = "pod"
  }

  rule {
    source_labels = ["__meta_kubernetes_pod_container_name"]
    target_label  = "container"
  }

  rule {
    source_labels = ["__meta_kubernetes_pod_label_app_kubernetes_io_name", "__meta_kubernetes_pod_label_app"]
    separator     = ";"
    regex         = ";*([^;]+).*"
    target_label  = "app"
  }

  rule {
    source_labels = ["__meta_kubernetes_pod_node_name"]
    target_label  = "node"
  }

  // The kubelet's layout: /var/log/pods/<namespace>_<pod>_<uid>/<container>/<restart>.log
  rule {
    source_labels = ["__meta_kubernetes_pod_uid", "__meta_kubernetes_pod_container_name"]
    separator     = "/"
    target_label  = "__path__"
    replacement   = "/var/log/pods/*$1/*.log"
  }
}

local.file_match "pods" {
  path_targets = discovery.relabel.pods.output
}

loki.source.file "pods" {
  targets    = local.file_match.pods.targets
  forward_to = [loki.process.pods.receiver]
}

loki.process "pods" {
  forward_to = [loki.write.loki.receiver]

  stage.cri { }

  // Kept longer than other logs.
  stage.match {
    selector = ${JSON.stringify(AUDIT_LINES)}

    stage.static_labels {
      values = { ${AUDIT_LABEL.name} = "${AUDIT_LABEL.value}" }
    }
  }

  // A label of its own per file would make a stream per restart.
  stage.label_drop {
    values = ["filename"]
  }
}

loki.relabel "journal" {
  forward_to = []

  rule {
    source_labels = ["__journal__systemd_unit"]
    target_label  = "unit"
  }

  rule {
    source_labels = ["__journal_priority_keyword"]
    target_label  = "level"
  }
}

loki.source.journal "machine" {
  path          = "/var/log/journal"
  max_age       = "12h"
  relabel_rules = loki.relabel.journal.rules
  labels        = { job = "journal", node = sys.env("HOSTNAME") }
  forward_to    = [loki.write.loki.receiver]
}

loki.write "loki" {
  endpoint {
    url = "${lokiUrl}/loki/api/v1/push"
  }
}
`;
}
