import type { Homelab } from "../../config/homelab";
import { REGISTRIES } from "../../config/mirror";
import { toYaml } from "../../config/yaml";

/**
 * /etc/rancher/k3s/registries.yaml: images come from the mirror if there is one. Upstream stays the last resort of
 * containerd by itself. Written without a mirror too, so that one that is gone leaves nothing behind.
 * Format: K3s, installation/private-registry.
 */
export function registriesYaml({ versions: { mirror } }: Homelab): string {
  const mirrors = mirror ? Object.fromEntries(REGISTRIES.map((name) => [name, { endpoint: [mirror.url] }])) : {};
  return `# Written by homelab.\n${toYaml({ mirrors })}`;
}
