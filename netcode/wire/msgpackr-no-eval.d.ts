/** msgpackr's build without `new Function` comes without types of its own; they are those of the package. */
declare module 'msgpackr/index-no-eval' {
  export { Packr, Unpackr } from 'msgpackr';
}
