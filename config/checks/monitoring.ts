import * as ipaddr from "ipaddr.js";
import { isReadable } from "../placeholders";
import { ofEach } from "../readable";
import type { RawHomelab } from "../schema";
import { nearest } from "../nearest";
import { issueIf, type Check } from "./check";

type Receiver = RawHomelab["monitoring"]["receivers"][string];

/** What the secret of each kind of receiver is, and its form. */
const secretOf: Record<Receiver["kind"], { what: string; form: RegExp }> = {
  ntfy: { what: "the topic: 1 to 64 letters, digits, '-' and '_'", form: /^[-_A-Za-z0-9]{1,64}$/ },
  // The network policy lets Alertmanager reach these hosts and no other (components/monitoring/receivers.ts).
  discord: {
    what: "the webhook's https URL, which begins with https://discord.com/api/webhooks/",
    form: /^https:\/\/(discord|discordapp)\.com\/api\/webhooks\/\S+$/,
  },
  slack: {
    what: "the webhook's https URL, which begins with https://hooks.slack.com/",
    form: /^https:\/\/hooks\.slack\.com\/\S+$/,
  },
  email: { what: "the password of the SMTP user", form: /^.+$/s },
};

/** Receiver of the dead man's switch in Alertmanager; see components/monitoring/receivers.ts. */
const RESERVED = "dead-mans-switch";

const command = (name: string) => `run: pulumi config set --secret --path 'homelab:secrets.alerts.${name}'`;

const receivers: Check = {
  name: "receivers have their secrets",
  run({ monitoring, secrets }) {
    return ofEach(monitoring.receivers, ({ kind }, name) => {
      const secret = Object.hasOwn(secrets.alerts, name) ? secrets.alerts[name] : undefined;
      const { what, form } = secretOf[kind];
      const wrong = secret === undefined || (isReadable(secret) && !form.test(secret));
      return issueIf(wrong, () => ({
        path: `secrets.alerts.${name}`,
        found: secret === undefined ? "nothing" : "a value of another form, which is not shown",
        allowed: `for receiver ${name} of kind ${kind}: ${what}`,
        fix: command(name),
      }));
    });
  },
};

const strangers: Check = {
  name: "secrets of alerts belong to receivers",
  run({ monitoring, secrets }) {
    const known = Object.keys(monitoring.receivers);
    return Object.keys(secrets.alerts)
      .filter((name) => !known.includes(name))
      .map((name) => {
        const near = nearest(name, known);
        return {
          path: `secrets.alerts.${name}`,
          found: "the secret of a receiver that does not exist",
          allowed: known.join(" or ") || "nothing, because there are no receivers",
          fix: near ? `did you mean '${near}'?` : "remove it, or add the receiver to monitoring.receivers",
        };
      });
  },
};

const ports: Check = {
  name: "SMTP ports exist",
  run({ monitoring }) {
    return ofEach(monitoring.receivers, (receiver, name) => {
      const smarthost = receiver.kind === "email" ? receiver.smarthost : undefined;
      const port = Number(smarthost?.split(":")[1] ?? 1);
      return issueIf(port < 1 || port > 65535, () => ({
        path: `monitoring.receivers.${name}.smarthost`,
        found: smarthost ?? "",
        allowed: "host:port with a port from 1 to 65535",
        fix: "write for example smtp.example.org:587",
      }));
    });
  },
};

/** Names that only mean something inside the house. */
const INSIDE = /(^|\.)(localhost|local|lan|home|internal|home\.arpa|svc|cluster\.local)$/;

/** Why an address is no watch outside of the house, or undefined. */
function watchProblem(url: string, domain: string): string | undefined {
  if (!URL.canParse(url) || new URL(url).protocol !== "https:") {
    return "a value of another form, which is not shown";
  }
  const host = new URL(url).hostname.toLowerCase();
  const inHouse =
    (ipaddr.isValid(host.replace(/^\[|\]$/g, "")) &&
      ipaddr.parse(host.replace(/^\[|\]$/g, "")).range() !== "unicast") ||
    !/[.:]/.test(host) ||
    INSIDE.test(host) ||
    host === domain ||
    host.endsWith(`.${domain}`);
  return inHouse ? `an address inside the house: ${host}` : undefined;
}

const deadMansSwitch: Check = {
  name: "the dead man's switch is outside of the house",
  run({ monitoring, secrets, network }) {
    const path = "secrets.deadMansSwitch";
    const set = "run: pulumi config set --secret --path 'homelab:secrets.deadMansSwitch'";
    const url = secrets.deadMansSwitch;
    if (!monitoring.deadMansSwitch) {
      return issueIf(url !== undefined, () => ({
        path,
        found: "an address, and no monitoring.deadMansSwitch that would use it",
        allowed: "both or none",
        fix: "add monitoring.deadMansSwitch: {}, or remove the secret",
      }));
    }
    if (url === undefined) {
      return [
        {
          path,
          found: "nothing",
          allowed: "the https URL of a watch outside of the house, for monitoring.deadMansSwitch",
          fix: `${set}, or leave monitoring.deadMansSwitch out: then nobody notices a house that is dark`,
        },
      ];
    }
    const found = isReadable(url) ? watchProblem(url, network.domain) : undefined;
    return issueIf(found !== undefined, () => ({
      path,
      found: found ?? "",
      allowed: "the https URL of a watch outside of the house: one inside falls silent together with it",
      fix: `take a check's ping URL at healthchecks.io or the like; ${set}`,
    }));
  },
};

const reserved: Check = {
  name: "no receiver has the name of the dead man's switch",
  run({ monitoring }) {
    return issueIf(Object.hasOwn(monitoring.receivers, RESERVED), () => ({
      path: `monitoring.receivers.${RESERVED}`,
      found: "a receiver with the name of monitoring.deadMansSwitch",
      allowed: `any other name than ${RESERVED}`,
      fix: "rename it here and in secrets.alerts",
    }));
  },
};

/** Days of the longest window over which a budget's burn rate is looked at (components/monitoring/slo/burn-rates.ts). */
const LONGEST_WINDOW_DAYS = 3;

const retention: Check = {
  name: "metrics are kept as long as the objectives look back",
  run({ monitoring }) {
    const { retentionDays } = monitoring.prometheus;
    return issueIf(retentionDays < LONGEST_WINDOW_DAYS, () => ({
      path: "monitoring.prometheus.retentionDays",
      found: String(retentionDays),
      allowed: `at least ${LONGEST_WINDOW_DAYS}: the slowest alert about monitoring.objectives looks so far back`,
      fix: "keep metrics longer; 30 days also show whether an objective was met",
    }));
  },
};

export const monitoringChecks: readonly Check[] = [receivers, strangers, ports, deadMansSwitch, reserved, retention];
