// What Khronos's validator says of GLB files: a line of JSON a file.
const validator = require("gltf-validator");
const fs = require("fs");

(async () => {
  for (const path of process.argv.slice(2)) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(path)));
    console.log(JSON.stringify(report.issues));
  }
})();
