import * as ipaddr from "ipaddr.js";
import { z } from "zod";
import { isPlaceholder } from "../placeholders";
import { parseCidr } from "../cidr";
import { cronProblem } from "../cron";

/** Separates the two halves of a rule's message. */
export const RULE_SEPARATOR = " || ";

/** The message of a check: what is allowed and how to fix it. The parser splits it into the error's lines. */
export function rule(allowed: string, fix: string): string {
  return `${allowed}${RULE_SEPARATOR}${fix}`;
}

/** A string that passes a test. */
export function text(test: (value: string) => boolean, allowed: string, fix: string) {
  return z.string().refine(test, rule(allowed, fix));
}

/**
 * A string that is either valid or still a placeholder: values that only the owner can look up and that nothing is
 * computed from. Everything else must be real before a plan can be made.
 */
export function ownerText(test: (value: string) => boolean, allowed: string, fix: string) {
  return text((value) => isPlaceholder(value) || test(value), allowed, fix);
}

export function pattern(expression: RegExp, allowed: string, fix: string) {
  return text((value) => expression.test(value), allowed, fix);
}

/** A pattern for what only the owner can look up; see ownerText. */
export function ownerPattern(expression: RegExp, allowed: string, fix: string) {
  return ownerText((value) => expression.test(value), allowed, fix);
}

export const ipv4 = text(
  (value) => ipaddr.IPv4.isValidFourPartDecimal(value),
  "an IPv4 address in dotted form",
  "write four numbers from 0 to 255, for example 192.168.10.21",
);

export const cidr = text(
  (value) => parseCidr(value) !== undefined,
  "an IPv4 network in CIDR form without host bits",
  "write the network address and prefix length, for example 192.168.10.0/24",
);

export const hostname = pattern(
  /^(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
  "a host name of lower-case letters, digits and dashes, at most 63 characters",
  "rename it to one DNS label, for example k3s1",
);

export const domain = pattern(
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
  "a DNS domain in lower case",
  "write the domain without a scheme or a trailing dot, for example example.org",
);

/** One DNS name of a service; a leading `*.` is accepted here and judged together with the challenge type. */
export const dnsName = pattern(
  /^(\*\.)?(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
  "a full DNS name in lower case",
  "write the full name, for example grafana.example.org",
);

export const sha256 = ownerPattern(
  /^[0-9a-f]{64}$/,
  "a sha256 digest: 64 lower-case hexadecimal digits",
  "run sha256sum on a copy that you trust and paste the first column",
);

export const httpsUrl = pattern(
  /^https:\/\/[^\s/$.?#][^\s]*$/,
  "an https URL",
  "write the full URL, starting with https://",
);

export const ed25519HostKey = ownerPattern(
  /^ssh-ed25519 [A-Za-z0-9+/]{68}={0,2}( .*)?$/,
  "one ed25519 public host key in the form of known_hosts: ssh-ed25519 AAAA...",
  "on the machine's own console run: cat /etc/ssh/ssh_host_ed25519_key.pub",
);

export const sshPublicKey = ownerPattern(
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/]+={0,2}( .*)?$/,
  "an SSH public key in the form of authorized_keys",
  "paste the content of your .pub file",
);

export const mac = ownerPattern(
  /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/,
  "a MAC address in lower case with colons",
  "write six pairs of hexadecimal digits, for example 52:54:00:12:34:56",
);

export const uuid = ownerPattern(
  /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/,
  "a UUID in lower case",
  "run uuidgen and paste what it prints",
);

/** A disk by its stable id. Kernel names such as /dev/sda move between boots and are refused. */
export const diskById = ownerPattern(
  /^\/dev\/disk\/by-id\/[A-Za-z0-9._:+-]+$/,
  "a stable path below /dev/disk/by-id/",
  "on the machine run: ls -l /dev/disk/by-id/ and take the name that holds the serial number",
);

export const absolutePath = pattern(
  /^(\/[A-Za-z0-9._-]+)+$/,
  "an absolute path without a trailing slash, spaces or '..'",
  "write the path from the root, for example /mnt/media",
);

export const email = ownerText(
  (value) => z.email().safeParse(value).success,
  "an e-mail address",
  "write for example you@example.org",
);

export const cron = z.string().superRefine((value, context) => {
  const problem = cronProblem(value);
  if (problem !== undefined) {
    context.addIssue({
      code: "custom",
      message: rule(
        "a cron expression with five fields: minute hour day-of-month month day-of-week, Sunday being 0",
        `${problem}; for example 0 3 * * * is every day at 03:00`,
      ),
    });
  }
});

/** A Kubernetes quantity of bytes with a binary unit, for example 20Gi. */
export const bytes = pattern(
  /^[1-9][0-9]{0,5}(Mi|Gi|Ti)$/,
  "a size with a binary unit: a whole number and Mi, Gi or Ti",
  "write for example 20Gi",
);

/** A Go duration as Velero and cert-manager read it, in hours, minutes and seconds. */
export const duration = pattern(
  /^(?=.)([1-9][0-9]*h)?([1-9][0-9]*m)?([1-9][0-9]*s)?$/,
  "a duration in hours, minutes and seconds",
  "write for example 720h",
);

export const asn = z
  .int()
  .refine(
    (value) => (value >= 1 && value <= 23455) || (value >= 23457 && value <= 4294967294),
    rule("an autonomous system number", "use a private one: 64512 to 65534"),
  );
