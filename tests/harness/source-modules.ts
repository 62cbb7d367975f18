/**
 * The project's source as modules and imports, for the architecture test. Files are parsed (with Vite's own parser),
 * so an import in a comment does not count and one in a type does: static, type-only, dynamic, `import('…')` types,
 * re-exports and the `new URL('./worker.ts', import.meta.url)` of a Worker.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseSync } from 'vite';

export interface Import {
  /** As written: './inbox.ts', 'peerjs', 'node:fs'. */
  readonly specifier: string;
  /** Path from the repository's root for relative imports, undefined for packages. */
  readonly path: string | undefined;
  /** Package name for others: 'msgpackr' of 'msgpackr/index-no-eval', 'node:' of any Node module. */
  readonly packageName: string | undefined;
  /** `import('…')` or a worker: not run by importing the module. */
  readonly isDynamic: boolean;
  readonly line: number;
}

export interface Module {
  /** From the repository's root, with '/'. */
  readonly path: string;
  readonly source: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
  readonly nodes: readonly Node[];
  lineOf(node: Node): number;
}

/** A node of the ESTree that the parser gives. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly [property: string]: unknown;
}

const SOURCE_FOLDERS = ['netcode', 'game', 'peer-server', 'tests'] as const;

/** All TypeScript files below the source folders, parsed. */
export function readModules(root: string): Module[] {
  const modules: Module[] = [];
  for (const folder of SOURCE_FOLDERS) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
      const file = join(entry.parentPath, entry.name);
      modules.push(
        parseModule(
          file
            .slice(root.length + 1)
            .split('\\')
            .join('/'),
          readFileSync(file, 'utf8'),
        ),
      );
    }
  }
  return modules;
}

/** Throws SyntaxError if the source cannot be parsed: an unread file would be a false green. */
export function parseModule(path: string, source: string): Module {
  const { program, errors } = parseSync(path, source, { lang: 'ts', sourceType: 'module' });
  if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0]!.message}`);
  const nodes: Node[] = [];
  collect(program, nodes);
  const lines = source.split('\n');
  const lineOf = (node: Node): number => source.slice(0, node.start).split('\n').length;
  const imports = nodes.flatMap((node): Import[] => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return [];
    const isDynamic = node.type === 'ImportExpression' || node.type === 'NewExpression';
    return [{ specifier, ...targetOf(path, specifier), isDynamic, line: lineOf(node) }];
  });
  return { path, source, lines, imports, nodes, lineOf };
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function collect(value: unknown, into: Node[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, into);
  } else if (isNode(value)) {
    into.push(value);
    for (const child of Object.values(value)) if (typeof child === 'object') collect(child, into);
  }
}

function stringOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'TSLiteralType') return stringOf(value['literal']);
  return value.type === 'Literal' && typeof value['value'] === 'string' ? value['value'] : undefined;
}

function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      return stringOf(node['source']);
    case 'TSImportType':
      return stringOf(node['source'] ?? node['argument']);
    case 'NewExpression': {
      const callee = node['callee'];
      const [first, second] = node['arguments'] as unknown[];
      const isModuleUrl = isNode(callee) && callee['name'] === 'URL' && isNode(second) && second.type === 'MemberExpression';
      const specifier = isModuleUrl ? stringOf(first) : undefined;
      return specifier?.endsWith('.ts') ? specifier : undefined;
    }
    default:
      return undefined;
  }
}

function targetOf(from: string, specifier: string): Pick<Import, 'path' | 'packageName'> {
  const bare = specifier.replace(/\?.*$/, '');
  if (bare.startsWith('.')) return { path: posix.join(posix.dirname(from), bare), packageName: undefined };
  if (bare.startsWith('node:')) return { path: undefined, packageName: 'node:' };
  const parts = bare.split('/');
  return { path: undefined, packageName: bare.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]! };
}
