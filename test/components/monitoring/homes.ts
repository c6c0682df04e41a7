import type { Homelab } from "../../../config/homelab";
import { home } from "../../support/home";

/** One worker with two GPUs' worth of trouble less: no workers at all, no GPU, no BGP. */
export function singleNode(): Homelab {
  return home((config) => {
    for (const name of ["k3s1", "k3s2", "k3s3"]) {
      delete config.machines[name];
    }
    config.machines["k3s-master1"].disks = { system: { rootFilesystem: true, tier: "standard", sizeGb: 20 } };
    config.apps = {};
    config.storage.tiers = { standard: { ...config.storage.tiers.standard, replicas: 1 } };
    delete config.network.bgp;
  });
}

/** Every kind of receiver at once. */
export function everyReceiver(): Homelab {
  return home((config) => {
    config.monitoring.receivers = {
      phone: { kind: "ntfy", server: "https://ntfy.example.org/" },
      chat: { kind: "discord" },
      work: { kind: "slack", channel: "#alerts" },
      mail: {
        kind: "email",
        to: "you@example.org",
        from: "homelab@example.org",
        smarthost: "smtp.example.org:587",
        username: "homelab",
      },
    };
    config.secrets.alerts = {
      phone: "topic-secret",
      chat: "https://discord.com/api/webhooks/1/chat-secret",
      work: "https://hooks.slack.com/services/work-secret",
      mail: "mail-secret",
    };
    config.secrets.deadMansSwitch = "https://hc-ping.com/watch-secret";
  });
}
