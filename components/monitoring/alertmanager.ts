import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { deadMansSwitch } from "./dead-mans-switch";
import { inhibitRules } from "./inhibition";
import { awayFromControlPlane, localPathClaim } from "./placement";
import { availableWithin15Minutes } from "./prometheus";
import { allChannels, RECEIVERS_SECRET } from "./receivers";

/** Receiver of what nobody shall be told. */
const NULL_RECEIVER = "null";

/**
 * alertmanager.yaml, without any secret: they are in files. It states every key that the chart's default has, so that
 * Helm's merge of maps leaves nothing of that behind.
 */
export function alertmanagerConfig(homelab: Homelab): Record<string, unknown> {
  const channels = allChannels(homelab);
  const watch = deadMansSwitch(homelab);
  return {
    global: { resolve_timeout: "5m" },
    // Default of the tree: silence. Watchdog always fires, for whoever waits for it; InfoInhibitor only serves below.
    route: {
      receiver: NULL_RECEIVER,
      group_by: ["alertname", "severity"],
      group_wait: "30s",
      group_interval: "5m",
      repeat_interval: "12h",
      routes: [
        ...watch.map(({ name, route }) => ({ receiver: name, ...route })),
        ...channels.map(({ name, severities }) => ({
          receiver: name,
          matchers: [`severity =~ "${severities.join("|")}"`],
          ...(severities.every((severity) => severity === "critical") ? { repeat_interval: "4h" } : {}),
          // Every receiver gets its copy, not only the first that matches.
          continue: true,
        })),
      ],
    },
    receivers: [{ name: NULL_RECEIVER }, ...[...watch, ...channels].map(({ name, config }) => ({ name, ...config }))],
    inhibit_rules: inhibitRules(homelab),
    templates: ["/etc/alertmanager/config/*.tmpl"],
  };
}

/** Values below `alertmanager` of kube-prometheus-stack 77.14.0 (Alertmanager v0.28.1). */
export function alertmanagerValues(homelab: Homelab): HelmValues {
  const { receivers, deadMansSwitch: watch } = homelab.monitoring;
  const told = Object.keys(receivers).length > 0 || watch !== undefined;
  return {
    annotations: availableWithin15Minutes,
    config: alertmanagerConfig(homelab),
    alertmanagerSpec: {
      // It asks nothing of the API server. The pod's own word counts, whatever its account says.
      automountServiceAccountToken: false,
      externalUrl: `https://${homelab.hosts.alertmanager}`,
      // Files of a mounted Secret follow it; Alertmanager reads them for each message, so nothing has to restart.
      ...(told ? { secrets: [RECEIVERS_SECRET] } : {}),
      storage: localPathClaim(homelab.monitoring.alertmanager.size),
      affinity: awayFromControlPlane(homelab),
      resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
    },
  };
}
