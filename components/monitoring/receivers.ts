import type { Homelab } from "../../config/homelab";
import { isReadable } from "../../config/placeholders";

export type Receiver = Homelab["monitoring"]["receivers"][string];

/** Secret with one file for each channel; the operator mounts it into Alertmanager. */
export const RECEIVERS_SECRET = "alertmanager-receivers";

/** Where prometheus-operator mounts what alertmanagerSpec.secrets names. */
export const RECEIVERS_FOLDER = `/etc/alertmanager/secrets/${RECEIVERS_SECRET}`;

/** Receiver of the dead man's switch, and its file. No receiver of the configuration may have that name. */
export const WATCH = "dead-mans-switch";

/** Severities that anybody is told about. */
export type Severity = "warning" | "critical";

/** One receiver of Alertmanager: which severities it gets, and how. */
export interface Channel {
  /** Name of the receiver in Alertmanager and of the file with its secret. */
  name: string;
  severities: readonly Severity[];
  /** The receiver's one `<kind>_configs` entry. */
  config: Record<string, readonly Record<string, unknown>[]>;
  /** Content of its file, from the secret that the owner gave. */
  file: (secret: string) => string;
}

const everything: readonly Severity[] = ["critical", "warning"];

/**
 * Alerts in one message of ntfy. It refuses a message above 4,096 bytes, and Alertmanager would then give up on it
 * (ntfy server/message_template.go: a template's result above the message limit is an error, not cut).
 */
export const NTFY_MAX_ALERTS = 5;

/**
 * What ntfy makes of Alertmanager's JSON, as templates in the URL. They are simple enough for every ntfy since 2.10;
 * its built-in `template=alertmanager` (since 2.14) leaves the runbook out and puts a long query URL in.
 */
const ntfyTemplate = {
  title: "{{.status}}: {{.commonLabels.alertname}}",
  message:
    '{{range .alerts}}{{with .annotations.summary}}{{.}}\\n{{end}}{{if eq .status "firing"}}' +
    "{{with .annotations.description}}{{.}}\\n{{end}}{{with .annotations.runbook_url}}{{.}}\\n{{end}}{{end}}\\n{{end}}",
};

function ntfyUrl(server: string, topic: string, priority: string): string {
  const query = new URLSearchParams({ template: "yes", ...ntfyTemplate, priority });
  return `${server.replace(/\/+$/, "")}/${encodeURIComponent(topic)}?${query.toString()}`;
}

/** The channels of one receiver of the configuration. ntfy has two, because a URL carries one priority. */
export function channels(name: string, receiver: Receiver): Channel[] {
  const path = `${RECEIVERS_FOLDER}/${name}`;
  const verbatim = (secret: string) => secret;
  switch (receiver.kind) {
    case "ntfy": {
      const channel = (suffix: string, severity: Severity, priority: string): Channel => ({
        name: `${name}${suffix}`,
        severities: [severity],
        config: {
          webhook_configs: [{ url_file: `${path}${suffix}`, max_alerts: NTFY_MAX_ALERTS, send_resolved: true }],
        },
        file: (topic) => ntfyUrl(receiver.server, topic, priority),
      });
      return [channel("-critical", "critical", "urgent"), channel("-warning", "warning", "default")];
    }
    case "discord":
      return [
        {
          name,
          severities: everything,
          config: { discord_configs: [{ webhook_url_file: path, send_resolved: true }] },
          file: verbatim,
        },
      ];
    case "slack":
      return [
        {
          name,
          severities: everything,
          config: {
            slack_configs: [
              { api_url_file: path, send_resolved: true, ...(receiver.channel ? { channel: receiver.channel } : {}) },
            ],
          },
          file: verbatim,
        },
      ];
    case "email":
      return [
        {
          name,
          severities: everything,
          config: {
            email_configs: [
              {
                to: receiver.to,
                from: receiver.from,
                smarthost: receiver.smarthost,
                auth_username: receiver.username,
                auth_password_file: path,
                send_resolved: true,
              },
            ],
          },
          file: verbatim,
        },
      ];
  }
}

interface Server {
  host: string;
  port: number;
}

/** Host and port of an https URL. */
function serverOf(url: string): Server {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: port === "" ? 443 : Number(port) };
}

/**
 * Servers that Alertmanager must reach to send, each as host and port; that of the dead man's switch last, if its URL is
 * known. Of the URL only the server is told: what is secret is its path.
 */
export function receiverServers({ monitoring, secrets }: Homelab): Server[] {
  const watch = monitoring.deadMansSwitch ? secrets.deadMansSwitch : undefined;
  const watches = watch !== undefined && isReadable(watch) ? [serverOf(watch)] : [];
  const servers = Object.values(monitoring.receivers).flatMap((receiver): Server | Server[] => {
    switch (receiver.kind) {
      case "ntfy":
        return serverOf(receiver.server);
      case "discord":
        // Webhooks made in early years have the second name.
        return ["discord.com", "discordapp.com"].map((host) => ({ host, port: 443 }));
      case "slack":
        return [{ host: "hooks.slack.com", port: 443 }];
      case "email": {
        const [host, port] = receiver.smarthost.split(":");
        return [{ host, port: Number(port) }];
      }
    }
  });
  return [...servers, ...watches];
}

/** Every channel of the homelab with the name of its receiver in the configuration. */
export function allChannels(homelab: Homelab): (Channel & { receiver: string })[] {
  return Object.entries(homelab.monitoring.receivers).flatMap(([receiver, settings]) =>
    channels(receiver, settings).map((channel) => ({ ...channel, receiver })),
  );
}

/**
 * Files of the receivers' Secret, by channel. Plain text: hand it on only as a Pulumi secret.
 *
 * @throws if a receiver has no secret, which a cross-check of the configuration refuses before.
 */
export function receiverFiles(homelab: Homelab): Record<string, string> {
  const { alerts, deadMansSwitch } = homelab.secrets;
  const files = allChannels(homelab).map(({ name, receiver, file }) => {
    const secret = alerts[receiver] as string | undefined;
    if (secret === undefined) {
      throw new Error(`secrets.alerts.${receiver} is missing: the receiver has nowhere to send to`);
    }
    return [name, file(secret)];
  });
  if (homelab.monitoring.deadMansSwitch) {
    if (deadMansSwitch === undefined) {
      throw new Error("secrets.deadMansSwitch is missing: the watch cannot be told that alerting works");
    }
    files.push([WATCH, deadMansSwitch]);
  }
  return Object.fromEntries(files) as Record<string, string>;
}
