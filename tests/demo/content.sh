#!/bin/bash
# content.sh DIR: real files for the resources of seeds/catalogue.jsonl, one
# folder each: Debian's documentation and videos made here. About 120 MB; made
# once, kept until DIR is removed.
set -euo pipefail
dir=$1
stamp=$dir/.made-2
[ -e "$stamp" ] && exit 0
rm -rf "$dir"
mkdir -p "$dir"

# Slim installations leave /usr/share/doc out; the package still has it.
docs=/usr/share/doc
if [ ! -e $docs/debian-handbook/html/zh-CN/index.html ] ||
	[ ! -e $docs/debian-edu-doc-zh-cn/debian-edu-bookworm-manual.pdf ] ||
	[ ! -d $docs/debian-edu-doc-en/debian-edu-bookworm-manual-images ]; then
	mkdir -p "$dir/.packages"
	(
		cd "$dir/.packages"
		apt-get -q download debian-handbook debian-edu-doc-zh-cn \
			debian-edu-doc-en >/dev/null
		for deb in *.deb; do dpkg-deb -x "$deb" root; done
	)
	docs=$dir/.packages/root/usr/share/doc
fi

manual=$docs/debian-edu-doc-zh-cn/debian-edu-bookworm-manual
mkdir -p "$dir/edu-manual" "$dir/edu-manual-images"
for ext in html epub pdf; do
	cp -L "$manual.$ext" "$dir/edu-manual/manual.$ext"
done
cp -L "$docs"/debian-edu-doc-en/debian-edu-bookworm-manual-images/* \
	"$dir/edu-manual-images/"

cp -rL "$docs/debian-handbook/html/zh-CN" "$dir/linux-handbook"
cp -rL "$docs/debian-handbook/html/da-DK" "$dir/danish-handbook"

mkdir -p "$dir/handbook-languages"
{
	echo '<!DOCTYPE html><meta charset="utf-8"><title>Handbook</title><ul>'
	for lang in zh-TW ja-JP ko-KR fr-FR de-DE; do
		cp -rL "$docs/debian-handbook/html/$lang" "$dir/handbook-languages/"
		echo "<li><a href=\"$lang/index.html\">$lang</a>"
	done
	echo '</ul>'
} >"$dir/handbook-languages/index.html"

# Noise makes the stream dense, so that it is as incompressible as real video.
video()
{
	ffmpeg -v error -nostdin -y \
		-f lavfi -i "testsrc2=s=$2:r=25:d=$3,noise=alls=40:allf=t+u" \
		-f lavfi -i "sine=frequency=$4:d=$3" -c:v libx264 \
		-preset ultrafast -b:v "$5" -c:a aac "$1"
}
mkdir -p "$dir/energy-lecture" "$dir/phone-basics"
video "$dir/energy-lecture/lecture.mp4" 1280x720 16 440 36M
for n in 1 2 3; do
	video "$dir/phone-basics/lesson-$n.mp4" 640x360 4 $((n * 220)) 2M
done

mkdir -p "$dir/phone-leaflet" "$dir/staff-exam-bank"
cat >"$dir/phone-leaflet/leaflet.html" <<'E'
<!DOCTYPE html>
<html lang="zh-CN"><meta charset="utf-8"><title>智能手机使用一页通</title>
<h1>智能手机使用一页通</h1>
<ol><li>长按右侧电源键三秒开机。<li>向上滑动屏幕解锁。<li>点绿色电话图标，输入号码，再点拨打。
<li>陌生短信里的网址不要点。</ol>
<p lang="en">Hold the power key for three seconds. Swipe up. The green icon makes calls.
Do not open links in messages from strangers.</p></html>
E
for n in $(seq 1 200); do
	printf '{"no":%d,"question":"第 %d 题","answer":"%s"}\n' "$n" "$n" \
		"$(printf 'ABCD' | cut -c $((n % 4 + 1)))"
done >"$dir/staff-exam-bank/questions.jsonl"

rm -rf "$dir/.packages"
touch "$stamp"
