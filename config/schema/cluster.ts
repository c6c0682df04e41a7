import { z } from "zod";
import { absolutePath, bytes, hostname, rule } from "./scalars";

const rotation = z.int().min(0, rule("a whole number from 0", "raise it by 1 for new secrets")).default(0);

export const clusterSchema = z.strictObject({
  /** Name of the cluster; part of disk UUIDs and of the libvirt domain, so it stays for ever. */
  name: hostname,
  /** Rebuild generation. Raising it by one replaces the VM, K3s and everything in the cluster, and no data. */
  generation: z.int().min(1, rule("a whole number from 1", "start with 1 and raise it by 1 for a rebuild")),
  /** The kubelet's root directory on every node. Passed to K3s and derived by every consumer; never changed in place. */
  kubeletRoot: absolutePath,
  /** Time zone of the machines, as in /usr/share/zoneinfo. */
  timezone: z
    .string()
    .regex(
      /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/,
      rule("a time zone such as America/New_York", "see timedatectl list-timezones"),
    )
    .default("UTC"),
  /** By namespace of apps, what its pods may take together; default is what its apps declare, and one more of the largest. */
  quotas: z
    .record(hostname, z.strictObject({ memory: bytes.optional(), pods: z.int().min(1).max(500).optional() }))
    .default({}),
  /**
   * Raising a number by one makes a group of generated secrets anew and restarts what uses them: `clients` are those with
   * which services log in at Authentik, `cookies` seal the sessions of OAuth2-Proxy, `apps` are keys of apps.
   */
  rotations: z
    .strictObject({ clients: rotation, cookies: rotation, apps: rotation })
    .default({ clients: 0, cookies: 0, apps: 0 }),
  /** Time servers for chrony. An empty list makes each machine go by its own clock: for rehearsals without a network. */
  timeServers: z.array(z.string().min(1)).default(["ntp.ubuntu.com", "time.cloudflare.com"]),
});
