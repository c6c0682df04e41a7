import { z } from "zod";
import { asn, cidr, dnsName, domain, email, ipv4 } from "./scalars";

export const networkSchema = z.strictObject({
  /** Public domain; a service is reached at <name>.<domain>. */
  domain,
  lan: z.strictObject({
    /** The network of the machines. */
    cidr,
    /** Its router. */
    router: ipv4,
    /** Resolvers of the machines. */
    dns: z.array(ipv4).min(1),
    /** Regular expressions of the nodes' LAN interfaces, for Cilium's L2 announcements. */
    interfaces: z.array(z.string().min(1)).min(1),
  }),
  /** Addresses of pods: K3s cluster-cidr and Cilium's pool. */
  podCidr: cidr,
  /** Addresses of services. The cluster's DNS takes the tenth, as K3s does. */
  serviceCidr: cidr,
  gateway: z.strictObject({
    /** The one address that the house forwards HTTP and HTTPS to. */
    ip: ipv4,
    /**
     * ALPN and backend application protocols: HTTP/2 to the gateway, and to the backends whose Service says so; those of apps are
     * spoken to in HTTP/1.1. Needs Cilium >= 1.16.
     */
    alpn: z.boolean().default(true),
  }),
  /** Addresses that LoadBalancer services may take; contains the gateway's. */
  pool: cidr,
  /** Announce the pool by ARP on the LAN. Needed when the pool lies inside the LAN: BGP does not serve neighbours. */
  l2Announcements: z.boolean().default(true),
  /** Announce the pool to the router. Leave out for a house without BGP. */
  bgp: z.strictObject({ localAsn: asn, peerAsn: asn, peerAddress: ipv4 }).optional(),
  certificates: z.strictObject({
    /** Let's Encrypt environment. Start with staging: production allows five failures an hour. */
    issuer: z.enum(["staging", "production"]),
    /** Contact of the Let's Encrypt account. Expiry is watched by an alert of our own. */
    email,
    /** HTTP-01 through the gateway is the only challenge implemented. */
    challenge: z.literal("http-01").default("http-01"),
  }),
  /**
   * How names of the domain resolve inside the house. `split`: a local resolver answers with the gateway's address.
   * `hairpin`: public DNS, and the router sends its own WAN address back in.
   */
  dns: z.enum(["split", "hairpin"]).default("split"),
  /** Host names of the platform's own services; each defaults to <service>.<domain>. */
  hosts: z
    .strictObject({
      authentik: dnsName.optional(),
      grafana: dnsName.optional(),
      prometheus: dnsName.optional(),
      alertmanager: dnsName.optional(),
      longhorn: dnsName.optional(),
    })
    .default({}),
});
