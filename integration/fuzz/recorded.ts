// Answers as real peers give them, byte by byte; what is mutated starts here, so that most of it still looks right.

const lines = (...rows: readonly string[]): string => rows.join("\r\n");

/** Whole HTTP answers of nginx 1.22, lighttpd 1.4, Apache's and tus-node-server's forms, and SWUpdate's web server. */
export const replies: readonly string[] = [
  lines(
    "HTTP/1.1 200 OK",
    "Server: nginx/1.22.1",
    "Date: Mon, 30 Nov 2026 15:15:41 GMT",
    "Content-Type: text/plain",
    "Content-Length: 20",
    "Last-Modified: Mon, 30 Nov 2026 15:15:39 GMT",
    "Connection: keep-alive",
    'ETag: "6b0d931b-14"',
    "Accept-Ranges: bytes",
    "",
    '{"version":"2.4.0"}\n',
  ),
  lines(
    "HTTP/1.1 200 OK",
    "Content-Type: application/octet-stream",
    "Content-Length: 20",
    "Accept-Ranges: bytes",
    "Date: Mon, 30 Nov 2026 15:15:41 GMT",
    "Server: lighttpd/1.4.69",
    "",
    '{"version":"2.4.0"}\n',
  ),
  lines(
    "HTTP/1.1 401 Unauthorized",
    "Server: nginx/1.22.1",
    "Content-Type: text/html",
    "Content-Length: 24",
    "Connection: keep-alive",
    'WWW-Authenticate: Basic realm="R"',
    'WWW-Authenticate: Digest realm="R", nonce="65ca0b2f", qop="auth", algorithm=MD5',
    "",
    "<html>401 Required</html",
  ),
  lines("HTTP/1.1 301 Moved Permanently", "Content-Length: 0", "Location: http://127.0.0.1:1/", "", ""),
  lines("HTTP/1.1 503 Service Unavailable", "Retry-After: 120", "Content-Length: 4", "", "busy"),
  lines(
    "HTTP/1.1 200 OK",
    "Transfer-Encoding: chunked",
    "",
    "8;x=1",
    '{"versio',
    "b",
    'n":"2.4.0"}',
    "0",
    "Trailer: yes",
    "",
    "",
  ),
  lines("HTTP/1.1 204 No Content", "Tus-Resumable: 1.0.0", "Upload-Offset: 20", "", ""),
  lines("HTTP/1.1 103 Early Hints", "Link: </x>", "", "HTTP/1.1 200 OK", "Content-Length: 2", "", "ok"),
  lines("HTTP/1.0 200 OK", "Connection: close", "", '{"version":"2.4.0"}'),
  lines("HTTP/1.1 200 OK", "%scontent-length: 14", "Content-Length: 24", "", "Ok, image.swu - 20 bytes."),
];

/** JSON documents of devices: plain state, Shelly, Tasmota, Redfish, a SWUpdate frame. */
export const documents: readonly string[] = [
  '{"version":"2.4.0","digest":"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","id":"pos-001","bootId":"b-7","slot":"a","uptime":12.5}',
  '{"id":"shellyplus1-a8032","ver":"1.4.4","fw_id":"20241011-114455/1.4.4-g6d2a586","auth_en":false,"app":"Plus1"}',
  '{"StatusFWR":{"Version":"14.2.0(tasmota)","BuildDateTime":"2024-08-14T12:39:25","Hardware":"ESP8266EX"}}',
  '{"@odata.id":"/redfish/v1/","UUID":"a1b2","UpdateService":{"@odata.id":"/redfish/v1/UpdateService"},"Links":{"Sessions":{"@odata.id":"/redfish/v1/SessionService/Sessions"}}}',
  '{"HttpPushUri":"/redfish/v1/UpdateService/update","MultipartHttpPushUri":"/redfish/v1/UpdateService/update-multipart","MaxImageSizeBytes":35651584,"FirmwareInventory":{"@odata.id":"/redfish/v1/UpdateService/FirmwareInventory"},"Actions":{"#UpdateService.SimpleUpdate":{"target":"/redfish/v1/UpdateService/Actions/SimpleUpdate"}}}',
  '{"Members":[{"@odata.id":"/redfish/v1/UpdateService/FirmwareInventory/BMC"}],"Members@odata.count":1}',
  '{"@odata.id":"/redfish/v1/TaskService/Tasks/1","TaskState":"Completed","TaskStatus":"OK","TaskMonitor":"/redfish/v1/TaskService/TaskMonitors/1","Messages":[{"MessageId":"Update.1.0.UpdateSuccessful"}]}',
  '{"error":{"code":"Base.1.0.GeneralError","@Message.ExtendedInfo":[{"MessageId":"Update.1.0.ApplyFailed"}]}}',
  '{"Version":"2.4.0","Id":"BMC","Updateable":true,"Status":{"State":"Enabled","Health":"OK"}}',
  '{"type":"status","status":"SUCCESS"}',
  '{"type":"message","level":"3","text":"Image invalid"}',
];

/** What tends to break readers, to be spliced into the above. */
export const fragments: readonly string[] = [
  ...["\0", "\r", "\n", "\r\n", "\r\n\r\n", " ", "\t", ":", ";", ",", '"', "\\", "\\u0000", "\\ud800", "%00", "%2e%2e"],
  ...[
    "[",
    "{",
    "]",
    "}",
    "[".repeat(40),
    '{"a":'.repeat(40),
    "__proto__",
    '{"__proto__":{"version":"9"}}',
    "constructor",
  ],
  ...["null", "true", "-0", "1e999", "9007199254740993", "99999999999999999999", "NaN", "\ufeff", "\u202e", "\x1b[2J"],
  ...[
    "HTTP/1.1 200 OK\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: -1\r\n",
    "Transfer-Encoding: chunked\r\n",
    "0\r\n\r\n",
  ],
  ...["ffffffffffffffff\r\n", "http://169.254.169.254/", "//evil.example/", "file:///etc/passwd", "x".repeat(300)],
];
