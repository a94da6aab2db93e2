// SPDX-License-Identifier: BSL-1.0
// node wasi.mjs program.wasm: runs it; its exit code is node's.
import {readFile} from 'node:fs/promises';
import {argv} from 'node:process';
import {WASI} from 'node:wasi';

const wasi = new WASI({version: 'preview1', args: argv.slice(2)});
const program = await WebAssembly.compile(await readFile(argv[2]));
wasi.start(await WebAssembly.instantiate(program, wasi.getImportObject()));
