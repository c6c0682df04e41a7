import type { Homelab } from "../config/homelab";

/** Things that only the owner can do, outside of the cluster. */
export interface OwnerTask {
  topic: "fill in" | "router" | "DNS" | "account" | "no backup" | "hardware";
  text: string;
}

/** What outlives its pod and is lost with its disks: volumes of class `none`, and the media share. */
export function notBackedUp({ apps, storage }: Homelab): string[] {
  return [
    ...apps.flatMap(({ name, volumes }) =>
      Object.entries(volumes)
        .filter(([, { backup }]) => backup === "none")
        .map(([volume, { size }]) => `${name}: volume ${volume}, ${size}`),
    ),
    ...(storage.media ? [`the media share, ${storage.media.size}`] : []),
  ];
}

/** What the owner has to do or to know before `up`, in the order in which it is needed. */
export function ownerTasks(homelab: Homelab): OwnerTask[] {
  const { network, backup, routes } = homelab;
  const gatewayIp = network.gateway.ip;
  const names = Object.values(routes).join(", ");
  const tasks: OwnerTask[] = homelab.placeholders.map(({ path, hint }) => ({
    topic: "fill in",
    text: `${path}: ${hint}`,
  }));
  tasks.push({
    topic: "router",
    text: `forward WAN ports 80 and 443 to ${gatewayIp}: Let's Encrypt checks every name over port 80`,
  });
  if (network.bgp) {
    const nodes = homelab.nodes.map(({ name, address }) => `${name} ${address}`).join(", ");
    tasks.push({
      topic: "router",
      text: `BGP on ${network.bgp.peerAddress}: AS ${network.bgp.peerAsn} with neighbours ${nodes}, all AS ${network.bgp.localAsn}`,
    });
  }
  tasks.push({ topic: "DNS", text: `public records to the house's WAN address: ${names}` });
  tasks.push(
    network.dns === "split"
      ? { topic: "DNS", text: `the house's resolver answers ${names} with ${gatewayIp}` }
      : { topic: "DNS", text: "hairpin NAT: the router sends its own WAN address back to the gateway from inside" },
  );
  if (network.certificates.issuer === "staging") {
    tasks.push({
      topic: "DNS",
      text: "certificates come from Let's Encrypt staging; switch network.certificates.issuer when everything answers",
    });
  }
  tasks.push({
    topic: "account",
    text: `a Backblaze B2 account in ${backup.b2.region}; buckets ${backup.b2.veleroBucket} and ${backup.b2.etcdBucket} must be free or ours`,
  });
  tasks.push(...notBackedUp(homelab).map((text) => ({ topic: "no backup" as const, text })));
  tasks.push(
    ...homelab.hypervisors.map((machine) => ({
      topic: "hardware" as const,
      text: `${machine.name} runs Ubuntu or Debian with KVM, a bridge ${machine.libvirt.bridge} on the LAN, and ${Object.values(
        machine.exports,
      )
        .map(({ path }) => path)
        .join(" and ")} mounted`,
    })),
    ...homelab.workers.map(({ name, ssh }) => ({
      topic: "hardware" as const,
      text: `${name} runs a fresh Ubuntu 22.04 with SSH for ${ssh.user}${ssh.user === "root" ? "" : " and passwordless sudo"}`,
    })),
  );
  return tasks;
}
