import type MarkdownIt from 'markdown-it'

/** Marks paragraphs that are a picture, which the style scrolls on narrow screens. The keyboard must reach what scrolls. */
export function scrollPictures(md: MarkdownIt) {
  md.core.ruler.push('scroll-pictures', ({ tokens }) => {
    tokens.forEach(({ type, children }, index) => {
      const isPicture = type === 'inline' && children?.length === 1 && children[0].type === 'image'
      if (!isPicture) return
      tokens[index - 1].attrSet('class', 'picture')
      tokens[index - 1].attrSet('tabindex', '0')
    })
  })
}
