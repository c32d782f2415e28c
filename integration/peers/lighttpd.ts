import { createHash } from "node:crypto";
import { password, realm, startWebServer, user, type WebServer } from "./web-server.ts";

/** WebDAV with partial PUT at `/free`, and logins by Digest at `/sha256` and `/md5`. */
export function startLighttpd(program: string): Promise<WebServer> {
  const hashed = (hash: string) => createHash(hash).update(`${user}:${realm}:${password}`).digest("hex");
  return startWebServer({
    program,
    folders: ["free", "sha256", "md5"],
    files: (folder, port) => ({
      "lighttpd.conf": configuration(folder, port),
      // One line for each hash: it takes the one whose length fits.
      passwords: ["md5", "sha256"].map((hash) => `${user}:${realm}:${hashed(hash)}\n`).join(""),
    }),
    arguments: (folder) => ["-D", "-f", `${folder}/lighttpd.conf`],
  });
}

function configuration(folder: string, port: number): string {
  const digest = (algorithm: string) =>
    `( "method" => "digest", "realm" => "${realm}", "require" => "valid-user", "algorithm" => "${algorithm}" )`;
  return `
    server.document-root = "${folder}/www"
    server.bind = "127.0.0.1"
    server.port = ${port}
    server.errorlog = "${folder}/error.log"
    server.upload-dirs = ( "${folder}/temporary" )
    server.modules = ( "mod_auth", "mod_authn_file", "mod_webdav" )
    server.max-request-size = 0
    # Files are also changed behind its back.
    server.stat-cache-engine = "disable"
    mimetype.assign = ( "" => "application/octet-stream" )
    webdav.activate = "enable"
    webdav.opts = ( "partial-put-copy-modify" => "enable" )
    auth.backend = "htdigest"
    auth.backend.htdigest.userfile = "${folder}/passwords"
    auth.require = ( "/sha256" => ${digest("SHA-256")}, "/md5" => ${digest("MD5")} )
  `;
}
