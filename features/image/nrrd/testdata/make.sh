#!/bin/sh
# Makes the files of this folder with unu of Teem 1.12 (Debian teem-apps), a writer of NRRD that is not ours. Every file holds the 24
# numbers -3, -2, … 20 (0 … 23 where unsigned) in 3×4×2 voxels; the test knows them.
set -eu
unu=teem-unu
seq -3 20 > signed.txt
seq 0 23 > unsigned.txt
make() { t=$1 i=$2; shift 2; $unu make -t "$t" -s 3 4 2 -spc RAS -orig '(10,-20,30.5)' -dirs '(0,1.5,0)(-2.5,0,0)(0,0,4)' -i "$i" -e ascii "$@"; }
header() { $unu make -h -t short -s 3 4 2 -spc RAS -orig '(10,-20,30.5)' -dirs '(0,1.5,0)(-2.5,0,0)(0,0,4)' -e raw -en little "$@"; }

for t in int8 short int longlong float double; do
	make "$t" signed.txt | $unu save -f nrrd -e raw -en little -o "${t}_little.nrrd"
	make "$t" signed.txt | $unu save -f nrrd -e raw -en big -o "${t}_big.nrrd"
done
for t in uchar ushort uint ulonglong; do make "$t" unsigned.txt | $unu save -f nrrd -e gzip -en big -o "${t}_gzip.nrrd"; done
for e in ascii hex gzip bzip2; do make short signed.txt | $unu save -f nrrd -e $e -o encoding_$e.nrrd; done
# Detached headers: one file, skips of lines and bytes, a raw end of file, a list, a pattern.
make short signed.txt | $unu save -f nrrd -e raw -en little -o detached.nhdr
make short signed.txt | $unu save -f nrrd -e gzip -en little -o detached_gzip.nhdr
{ printf 'two lines\nof text\nxyz'; cat detached.raw; } > skip.raw
header -i skip.raw -ls 2 -bs 3 -o skip.nhdr
header -i skip.raw -bs -1 -o end.nhdr
head -c 24 detached.raw > slab0.raw
tail -c 24 detached.raw > slab1.raw
header -i slab0.raw slab1.raw -o list.nhdr
header -i slab%d.raw 0 1 1 -o pattern.nhdr
# Spacings alone, and the other spaces.
$unu make -t short -s 3 4 2 -sp 1.5 2.5 4 -i signed.txt -e ascii -o spacings.nrrd
for s in LPS LAS; do $unu make -t short -s 3 4 2 -spc $s -orig '(10,-20,30.5)' -dirs '(0,1.5,0)(-2.5,0,0)(0,0,4)' -i signed.txt -e ascii -o space_$s.nrrd; done
rm signed.txt unsigned.txt
