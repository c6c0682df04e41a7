import type { App } from "../../config/homelab";

/** Label by which everything of an app is found. */
export const APP_LABEL = "app.kubernetes.io/name";

export function appLabels({ name }: Pick<App, "name">): Record<string, string> {
  return { [APP_LABEL]: name, "app.kubernetes.io/part-of": "homelab-apps" };
}

/** Name of one of an app's jobs, and what its pods are found by: the app's own Service must not find them. */
export function jobName(app: Pick<App, "name">, job: string): string {
  return `${app.name}-${job}`;
}

/** Claim of an app's volume. */
export function claimName(app: Pick<App, "name">, volume: string): string {
  return `${app.name}-${volume}`;
}

/** The one claim on the media share, in the namespace of the apps that use it. */
export const MEDIA_CLAIM = "media";

/** Namespaces of all apps, each once, in the order of the list. */
export function appNamespaces(apps: readonly Pick<App, "namespace">[]): string[] {
  return [...new Set(apps.map(({ namespace }) => namespace))];
}
