import { isReadable } from "../placeholders";
import type { RawHomelab } from "../schema";
import { nearest } from "../nearest";
import { issueIf, type Check } from "./check";

type Receiver = RawHomelab["monitoring"]["receivers"][string];

/** What the secret of each kind of receiver is, and its form. */
const secretOf: Record<Receiver["kind"], { what: string; form: RegExp }> = {
  ntfy: { what: "the topic: 1 to 64 letters, digits, '-' and '_'", form: /^[-_A-Za-z0-9]{1,64}$/ },
  discord: { what: "the webhook's https URL", form: /^https:\/\/\S+$/ },
  slack: { what: "the webhook's https URL", form: /^https:\/\/\S+$/ },
  email: { what: "the password of the SMTP user", form: /^.+$/s },
};

const command = (name: string) => `run: pulumi config set --secret --path 'homelab:secrets.alerts.${name}'`;

const receivers: Check = {
  name: "receivers have their secrets",
  needs: ["monitoring", "secrets"],
  run({ monitoring, secrets }) {
    return Object.entries(monitoring.receivers).flatMap(([name, { kind }]) => {
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
  needs: ["monitoring", "secrets"],
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
  needs: ["monitoring"],
  run({ monitoring }) {
    return Object.entries(monitoring.receivers).flatMap(([name, receiver]) => {
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

export const monitoringChecks: readonly Check[] = [receivers, strangers, ports];
