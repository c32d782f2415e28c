import { createHash } from "node:crypto";
import { password, realm, startWebServer, user, type WebServer } from "./web-server.ts";

/** Where Debian has Apache's modules. */
const modules = "/usr/lib/apache2/modules";
const names = [
  ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user"],
  ["auth_basic", "auth_digest", "dav", "dav_fs", "ssl"],
].flat();

/** WebDAV with partial PUT at `/free`, and at `/digest` with a login by Digest (MD5). With `tls`, over https. */
export function startApache(
  program: string,
  tls?: { readonly cert: string; readonly key: string },
): Promise<WebServer> {
  return startWebServer({
    program,
    scheme: tls === undefined ? "http" : "https",
    folders: ["free", "digest"],
    files: (folder, port) => ({
      "apache.conf": configuration(folder, port, tls !== undefined),
      passwords: `${user}:${realm}:${createHash("md5").update(`${user}:${realm}:${password}`).digest("hex")}\n`,
      ...(tls && { "cert.pem": tls.cert, "key.pem": tls.key }),
    }),
    // One process, in the foreground.
    arguments: (folder) => ["-X", "-f", `${folder}/apache.conf`],
  });
}

function configuration(folder: string, port: number, tls: boolean): string {
  return `
    ServerRoot ${folder}
    ServerName localhost
    Listen 127.0.0.1:${port}
    PidFile ${folder}/apache.pid
    ErrorLog ${folder}/error.log
    ${names.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join("\n")}
    Mutex file:${folder}/temporary default
    DocumentRoot ${folder}/www
    DavLockDB ${folder}/temporary/locks
    ${tls ? `SSLEngine on\nSSLCertificateFile ${folder}/cert.pem\nSSLCertificateKeyFile ${folder}/key.pem` : ""}
    <Directory ${folder}/www>
      Dav On
      Require all granted
    </Directory>
    <Location /digest>
      AuthType Digest
      AuthName ${realm}
      AuthDigestProvider file
      AuthUserFile ${folder}/passwords
      Require valid-user
    </Location>
  `;
}
