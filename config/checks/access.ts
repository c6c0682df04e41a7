import { nearest } from "../nearest";
import { isReadable } from "../placeholders";
import { issueIf, type Check } from "./check";

const timezone: Check = {
  name: "the time zone exists",
  needs: ["cluster"],
  run({ cluster }) {
    return issueIf(!isTimeZone(cluster.timezone), () => ({
      path: "cluster.timezone",
      found: cluster.timezone,
      allowed: "a time zone of /usr/share/zoneinfo, or UTC",
      fix: "write for example America/New_York; see timedatectl list-timezones",
    }));
  },
};

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const groups: Check = {
  name: "administrators are a group of their own",
  needs: ["identity"],
  run({ identity }) {
    const { admins, viewers } = identity.groups;
    return issueIf(admins === viewers, () => ({
      path: "identity.groups.viewers",
      found: `${viewers}, which is also identity.groups.admins`,
      allowed: "another group: whoever may look could do everything",
      fix: "rename one of them",
    }));
  },
};

const privateKey: Check = {
  name: "the private key is one",
  needs: ["secrets"],
  run({ secrets: { sshPrivateKey } }) {
    const wrong =
      sshPrivateKey !== undefined &&
      isReadable(sshPrivateKey) &&
      !/^-----BEGIN [A-Z ]*PRIVATE KEY-----\n/.test(sshPrivateKey);
    return issueIf(wrong, () => ({
      path: "secrets.sshPrivateKey",
      found: "a value of another form, which is not shown",
      allowed: "the text of a private key with its line breaks, from -----BEGIN to the end",
      fix: "run: pulumi config set --secret --path 'homelab:secrets.sshPrivateKey' < ~/.ssh/id_ed25519",
    }));
  },
};

/** A name without apps would be believed to limit something. */
const quotas: Check = {
  name: "quotas are for namespaces of apps",
  needs: ["cluster", "apps"],
  run({ cluster, apps }) {
    const known = [...new Set(Object.values(apps).map(({ namespace }) => namespace))];
    return Object.keys(cluster.quotas)
      .filter((name) => !known.includes(name))
      .map((name) => ({
        path: `cluster.quotas.${name}`,
        found: "a quota of a namespace without apps",
        allowed: known.length > 0 ? `namespaces of apps: ${known.join(", ")}` : "none, for there are no apps",
        fix: nearest(name, known) ? `did you mean '${nearest(name, known)}'?` : "take it away",
      }));
  },
};

const auditLog: Check = {
  name: "the audit log is kept longest",
  needs: ["monitoring"],
  run({ monitoring: { loki } }) {
    return issueIf(loki.auditDays < loki.retentionDays, () => ({
      path: "monitoring.loki.auditDays",
      found: `${loki.auditDays}, and other logs are kept ${loki.retentionDays} days`,
      allowed: `${loki.retentionDays} or more`,
      fix: "raise it, or lower monitoring.loki.retentionDays",
    }));
  },
};

export const accessChecks: readonly Check[] = [timezone, groups, privateKey, quotas, auditLog];
