import type { App } from "../../config/homelab";

export { claimName, jobName, MEDIA_CLAIM, secretName } from "../../config/apps/names";

/** Label by which everything of an app is found. */
export const APP_LABEL = "app.kubernetes.io/name";

export function appLabels({ name }: Pick<App, "name">): Record<string, string> {
  return { [APP_LABEL]: name, "app.kubernetes.io/part-of": "homelab-apps" };
}

/** Namespaces of all apps, each once, in the order of the list. */
export function appNamespaces(apps: readonly Pick<App, "namespace">[]): string[] {
  return [...new Set(apps.map(({ namespace }) => namespace))];
}
