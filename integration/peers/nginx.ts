import { createHash } from "node:crypto";
import { password, startWebServer, token, user, type WebServer } from "./web-server.ts";

/** PUT at `/free`, at `/basic` with a login by Basic, and at `/bearer` with a token. With `tls`, over https. */
export function startNginx(program: string, tls?: { readonly cert: string; readonly key: string }): Promise<WebServer> {
  return startWebServer({
    program,
    scheme: tls === undefined ? "http" : "https",
    folders: ["free", "basic", "bearer"],
    files: (folder, port) => ({
      "nginx.conf": configuration(folder, port, tls !== undefined),
      // RFC 2307 §5.3: what nginx takes without the system's crypt.
      passwords: `${user}:{SHA}${createHash("sha1").update(password).digest("base64")}\n`,
      ...(tls && { "cert.pem": tls.cert, "key.pem": tls.key }),
    }),
    arguments: (folder) => ["-p", folder, "-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`],
  });
}

function configuration(folder: string, port: number, tls: boolean): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    events {}
    http {
      access_log off;
      client_max_body_size 0;
      default_type application/octet-stream;
      ${paths.map((name) => `${name}_temp_path ${folder}/temporary/${name};`).join("\n")}
      server {
        listen 127.0.0.1:${port}${tls ? " ssl" : ""};
        ${tls ? `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;` : ""}
        root ${folder}/www;
        dav_methods PUT;
        location /basic/ {
          auth_basic lab;
          auth_basic_user_file ${folder}/passwords;
          dav_methods PUT;
        }
        location /bearer/ {
          if ($http_authorization != "Bearer ${token}") {
            add_header WWW-Authenticate 'Bearer realm="lab"' always;
            return 401;
          }
          dav_methods PUT;
        }
      }
    }
  `;
}
