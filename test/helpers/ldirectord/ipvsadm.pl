#!/usr/bin/perl
# A stand-in for ipvsadm(8): keeps the table in ./table and writes every change to ./calls, so that
# ldirectord can run without touching the kernel. As the real one does, it refuses to add what is
# there and to change what is not, and gives a server of gate or ipip the port of its service.
use strict;
use warnings;

my %forward = ("-g" => "Route", "-i" => "Tunnel", "-m" => "Masq");

sub slurp {
  my ($path) = @_;
  open(my $file, "<", $path) or return ();
  my @lines = <$file>;
  chomp(@lines);
  return @lines;
}

# Services in the order of their arrival. Their fields: key (protocol and address), scheduler,
# seconds of persistence, mask, flags of the scheduler, one packet.
my (@services, %service);
for (slurp("table")) {
  my ($kind, @fields) = split(/\t/, $_, -1);
  if ($kind eq "service") {
    push(@services, $service{$fields[0]} = { line => \@fields, servers => [] });
  } else {
    push(@{ $services[-1]{servers} }, \@fields);
  }
}

sub fail {
  my ($text) = @_;
  open(my $log, ">>", "calls");
  print $log "@ARGV => $text\n";
  print STDERR "$text\n";
  exit(255);
}

sub list {
  my ($thresholds) = @_;
  print "IP Virtual Server version 1.2.1 (size=4096)\n";
  print "Prot LocalAddress:Port Scheduler Flags\n";
  print "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n";
  for (@services) {
    my ($key, $scheduler, $seconds, $mask) = @{ $_->{line} };
    my ($protocol, $address, $family) = split(/ /, $key);
    my $line = uc($protocol) . "  $address";
    $line .= " IPv6" if defined($family) && $family eq "6";
    $line .= " $scheduler";
    $line .= " persistent $seconds" if $seconds ne "";
    $line .= " mask $mask" if $mask ne "";
    print "$line\n";
    for (@{ $_->{servers} }) {
      my ($server, $forward, $weight, $upper, $lower) = @$_;
      my $row = $thresholds ? "$upper $lower 0 0" : "$forward $weight 0 0";
      print "  -> $server $row\n";
    }
  }
}

my @args = @ARGV;
my $command = shift(@args);
if ($command eq "-L") {
  list(grep { $_ eq "--thresholds" } @args);
  exit(0);
}

my %option;
while (@args) {
  my $name = shift(@args);
  if ($name =~ /^-[gim]$/) { $option{forward} = $forward{$name} }
  elsif ($name eq "-6" || $name eq "-o") { $option{$name} = 1 }
  elsif ($name =~ /^-[tuf]$/) {
    my %protocol = ("-t" => "tcp", "-u" => "udp", "-f" => "fwm");
    $option{key} = "$protocol{$name} " . shift(@args);
  } else { $option{$name} = shift(@args) }
}
my $key = $option{key};
$key .= " 6" if $option{"-6"};
my $known = $service{$key};

if ($command eq "-A" || $command eq "-E") {
  fail("Service already exists") if $command eq "-A" && $known;
  fail("No such service") if $command eq "-E" && !$known;
  push(@services, $known = { servers => [] }) if !$known;
  my $mask = $option{"-M"} // "";
  $known->{line} = [$key, $option{"-s"} // "wlc", $option{"-p"} // "", $mask, $option{"-b"} // "",
    $option{"-o"} // ""];
} elsif ($command eq "-D") {
  fail("No such service") if !$known;
  @services = grep { $_ != $known } @services;
} else {
  fail("Service not defined") if !$known;
  my $server = $option{"-r"};
  my $servers = $known->{servers};
  fail("illegal real server address") if $server =~ /^:/;
  my $forward = $option{forward} // "Route";
  my ($port) = $key =~ /^(?:tcp|udp) .*:(\d+)/;
  $server =~ s/:\d+$/:$port/ if defined($port) && defined($option{forward}) && $forward ne "Masq";
  my ($found) = grep { $_->[0] eq $server } @$servers;
  if ($command eq "-a") {
    fail("Destination already exists") if $found;
    push(@$servers, $found = [$server]);
  }
  fail("No such destination") if !$found;
  if ($command eq "-d") {
    @$servers = grep { $_ != $found } @$servers;
  } else {
    my ($upper, $lower) = ($option{"-x"} // $found->[3] // 0, $option{"-y"} // $found->[4] // 0);
    @$found[1 .. 4] = ($forward, $option{"-w"} // 1, $upper, $lower);
  }
}

open(my $file, ">", "table.new") or die $!;
for (@services) {
  print $file join("\t", "service", @{ $_->{line} }), "\n";
  print $file join("\t", "server", @$_), "\n" for @{ $_->{servers} };
}
close($file);
rename("table.new", "table");
open(my $log, ">>", "calls");
print $log "@ARGV\n";
