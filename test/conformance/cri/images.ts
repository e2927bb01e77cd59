/** Specs of images that are there: how they are found, listed and described. */

import assert from 'node:assert/strict';
import type { GetTarget, Spec } from './target.ts';

export function imageSpecs(spec: Spec, get: GetTarget): void {
  spec('finds an image by name and by id, and lists it once', async () => {
    const { client, image: name } = get();
    const { image } = await client.imageStatus({ image: { image: name } });
    assert.ok(image !== null && image.id !== '' && BigInt(image.size) > 0n);
    assert.deepEqual(image.repo_tags, [name]);
    const byId = await client.imageStatus({ image: { image: image.id } });
    assert.equal(byId.image?.id, image.id);
    const { images } = await client.listImages({ filter: { image: { image: name } } });
    assert.deepEqual(
      images.map(({ id }) => id),
      [image.id],
    );
  });

  spec('answers with nothing for an image that is not there', async () => {
    const { client } = get();
    const missing = { image: { image: 'localhost/no-such:1' } };
    assert.equal((await client.imageStatus(missing)).image, null);
    assert.deepEqual((await client.listImages({ filter: missing })).images, []);
    await client.removeImage(missing);
  });

  spec('says where images are kept, and how much they take', async () => {
    const { image_filesystems } = await get().client.imageFsInfo({});
    const [first] = image_filesystems;
    assert.ok((first?.fs_id?.mountpoint ?? '') !== '');
    assert.ok(BigInt(first?.timestamp ?? 0) > 0n);
  });
}
